/** Shows the Projects panel to whoever opens JupyterLab for the first time. */

import {
  ILabShell,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { CommandIDs } from './commands';

export const welcomePlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:welcome',
  description: 'Shows the Projects panel in a workspace that is new.',
  autoStart: true,
  requires: [ILabShell],
  activate: (app: JupyterFrontEnd, shell: ILabShell): void => {
    void welcome(app, shell); // not awaited: JupyterLab is restored only after all plugins are activated
  }
};

async function welcome(app: JupyterFrontEnd, shell: ILabShell): Promise<void> {
  const layout = await shell.restored;
  await app.restored; // by then JupyterLab has shown its file browser
  if (layout.fresh && shell.mode !== 'single-document') {
    await app.commands.execute(CommandIDs.showProjects);
  }
}
