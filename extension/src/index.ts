import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { annotatorPlugin } from './annotator/plugin';
import { coursesPlugin } from './courses/plugin';
import { projectsPlugin } from './projects';
import { qualityPlugin } from './quality/plugin';
import { runsPlugin } from './runs/plugin';
import { setsPlugin } from './sets/plugin';
import { welcomePlugin } from './welcome';

const plugins: JupyterFrontEndPlugin<void>[] = [
  projectsPlugin,
  welcomePlugin,
  annotatorPlugin,
  qualityPlugin,
  setsPlugin,
  runsPlugin,
  coursesPlugin
];

export default plugins;
