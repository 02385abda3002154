import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { projectsPlugin } from './projects';
import { welcomePlugin } from './welcome';

const plugins: JupyterFrontEndPlugin<void>[] = [projectsPlugin, welcomePlugin];

export default plugins;
