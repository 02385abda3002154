import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { projectsPlugin } from './projects';

const plugins: JupyterFrontEndPlugin<void>[] = [projectsPlugin];

export default plugins;
