import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { annotatorPlugin } from './annotator/plugin';
import { projectsPlugin } from './projects';
import { welcomePlugin } from './welcome';

const plugins: JupyterFrontEndPlugin<void>[] = [
  projectsPlugin,
  welcomePlugin,
  annotatorPlugin
];

export default plugins;
