/** Joins the Projects panel with JupyterLab: left bar, launcher, palette, file browser. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';

import { LabKitApi } from './api';
import { CommandIDs } from './commands';
import { labkitCardIcon, labkitIcon } from './icons';
import type { ProjectsModel } from './model';
import { askForProject } from './newproject';
import { ProjectsPanel } from './panel';
import type { IProjectsActions } from './view';
import type { ProjectItem } from './wire';

const CATEGORY = 'LabKit';
const RANK_IN_LEFT_BAR = 150; // just below the file browser's 100

export const projectsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:projects',
  description: 'The Projects panel, its launcher card and its commands.',
  autoStart: true,
  optional: [
    ICommandPalette,
    IDefaultFileBrowser,
    ILauncher,
    ILayoutRestorer,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    fileBrowser: IDefaultFileBrowser | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('labkit_lab');
    const api = new LabKitApi(app.serviceManager.serverSettings);
    const panel = new ProjectsPanel(api, trans, model =>
      makeActions(app, model, fileBrowser, trans)
    );
    app.shell.add(panel, 'left', { rank: RANK_IN_LEFT_BAR, type: CATEGORY });
    restorer?.add(panel, panel.id);
    addCommands(app, panel, trans);
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: CATEGORY });
    }
    launcher?.add({
      command: CommandIDs.showProjects,
      args: { isLauncher: true },
      category: CATEGORY,
      rank: 0
    });
  }
};

function addCommands(
  app: JupyterFrontEnd,
  panel: ProjectsPanel,
  trans: TranslationBundle
): void {
  const { commands } = app;
  commands.addCommand(CommandIDs.showProjects, {
    label: args => (args['isLauncher'] ? 'LabKit' : trans.__('Show Projects')),
    caption: trans.__('Your image projects: make one, see what is in them'),
    icon: args => (args['isLauncher'] ? labkitCardIcon : labkitIcon),
    execute: () => reveal(app, panel)
  });
  commands.addCommand(CommandIDs.newProject, {
    label: trans.__('New Project…'),
    caption: trans.__(
      'Make a folder for pictures and what is learnt from them'
    ),
    execute: async () => {
      await reveal(app, panel);
      await askForProject(asked => panel.model.create(asked), trans);
    }
  });
  commands.addCommand(CommandIDs.refreshProjects, {
    label: trans.__('Refresh Projects'),
    execute: () => panel.model.refresh()
  });
}

/** Show the panel and give it the focus. */
async function reveal(
  app: JupyterFrontEnd,
  panel: ProjectsPanel
): Promise<void> {
  app.shell.activateById(panel.id);
  // when a command ends, the palette gives the focus back to the main area
  await new Promise(resolve => requestAnimationFrame(resolve));
  panel.activate();
}

function makeActions(
  app: JupyterFrontEnd,
  model: ProjectsModel,
  fileBrowser: IDefaultFileBrowser | null,
  trans: TranslationBundle
): IProjectsActions {
  return {
    newProject: () => void app.commands.execute(CommandIDs.newProject),
    refresh: () => void model.refresh(),
    openFolder: project => void openFolder(app, fileBrowser, project, trans),
    openLesson: path => void app.commands.execute('docmanager:open', { path })
  };
}

async function openFolder(
  app: JupyterFrontEnd,
  fileBrowser: IDefaultFileBrowser | null,
  project: ProjectItem,
  trans: TranslationBundle
): Promise<void> {
  if (fileBrowser === null || project.browser_path === null) {
    await showErrorMessage(
      trans.__('This folder is out of sight'),
      trans.__(
        'The project lies outside of the folder that the file browser shows. In a terminal it is at %1.',
        project.path
      )
    );
    return;
  }
  app.shell.activateById(fileBrowser.id);
  await fileBrowser.model.cd('/' + project.browser_path);
}
