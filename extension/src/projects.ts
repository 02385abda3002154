/** Joins the Projects panel with JupyterLab: left bar, launcher, palette, file browser. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  InputDialog,
  Notification,
  showErrorMessage
} from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';

import { LabKitApi, RefusedError } from './api';
import { CATEGORY, CommandIDs, QUALITY, RUNS, TRAINING_SETS } from './commands';
import { chosenFiles, collectDropped, type IDropped } from './dropping';
import { labkitCardIcon, labkitIcon } from './icons';
import { imageActions } from './imageactions';
import { askForProject } from './newproject';
import { ProjectsPanel } from './panel';
import { askQuestions } from './questions';
import type { IUploadRow } from './uploads';
import type { IProjectsActions } from './view';
import type { ProjectItem } from './wire';

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
    const panel = new ProjectsPanel(
      api,
      trans,
      made => makeActions(app, api, made, fileBrowser, trans),
      (made, data, projectId) => void takeDropped(made, data, projectId, trans)
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
  api: LabKitApi,
  panel: ProjectsPanel,
  fileBrowser: IDefaultFileBrowser | null,
  trans: TranslationBundle
): IProjectsActions {
  return {
    newProject: () => void app.commands.execute(CommandIDs.newProject),
    refresh: () => void panel.model.refresh(),
    openFolder: project => void openFolder(app, fileBrowser, project, trans),
    openLesson: path => void app.commands.execute('docmanager:open', { path }),
    importInto: project => chooseFiles(panel, project, trans),
    ...imageActions(app, api, panel, trans),
    quality: project =>
      void app.commands.execute(QUALITY, {
        projectId: project.id,
        title: project.title
      }),
    trainingSets: project =>
      void app.commands.execute(TRAINING_SETS, {
        projectId: project.id,
        title: project.title
      }),
    runs: project =>
      void app.commands.execute(RUNS, {
        projectId: project.id,
        title: project.title
      }),
    answer: row => void answer(panel, row, trans),
    remove: row => void saying(trans, () => panel.uploads.remove(row))
  };
}

/** Let somebody choose pictures, and send them. */
function chooseFiles(
  panel: ProjectsPanel,
  project: ProjectItem,
  trans: TranslationBundle
): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.addEventListener('change', () =>
    send(panel, project.id, chosenFiles(input.files), trans)
  );
  input.click();
}

/** Send what was dropped onto a project, or beside all of them. */
async function takeDropped(
  panel: ProjectsPanel,
  data: DataTransfer,
  projectId: string | null,
  trans: TranslationBundle
): Promise<void> {
  const dropped = await collectDropped(data);
  const target = projectId ?? (await chooseProject(panel, trans));
  if (target !== null) {
    send(panel, target, dropped, trans);
  }
}

function send(
  panel: ProjectsPanel,
  projectId: string,
  dropped: IDropped,
  trans: TranslationBundle
): void {
  panel.uploads.add(projectId, dropped.files);
  if (dropped.skipped.length > 0) {
    const names = dropped.skipped.slice(0, 3).join(', ');
    const more = dropped.skipped.length > 3 ? ', …' : '';
    Notification.info(
      trans._n(
        '%1 file is no picture and was left out: %2',
        '%1 files are no pictures and were left out: %2',
        dropped.skipped.length,
        names + more
      )
    );
  }
}

/** Which project files are for that were dropped beside all of them; null when the person changed their mind. */
async function chooseProject(
  panel: ProjectsPanel,
  trans: TranslationBundle
): Promise<string | null> {
  const projects = panel.model.state.list?.projects ?? [];
  if (projects.length === 0) {
    const made = await askForProject(asked => panel.model.create(asked), trans);
    return made?.id ?? null;
  }
  const [only, ...others] = projects;
  if (only !== undefined && others.length === 0) {
    return only.id;
  }
  const titles = projects.map(project => project.title);
  const chosen = await InputDialog.getItem({
    title: trans.__('Into which project?'),
    items: titles,
    okLabel: trans.__('Import')
  });
  const index = chosen.value === null ? -1 : titles.indexOf(chosen.value);
  return chosen.button.accept ? (projects[index]?.id ?? null) : null;
}

async function answer(
  panel: ProjectsPanel,
  row: IUploadRow,
  trans: TranslationBundle
): Promise<void> {
  const questions = row.item?.questions ?? [];
  const companions = panel.uploads.companionsOf(row);
  const given = await askQuestions(row.name, questions, companions, trans);
  if (given !== null) {
    await saying(trans, () =>
      panel.uploads.answer(row, given.answers, given.forAll)
    );
  }
}

/** Do something, and say in words what the server has against it. */
async function saying(
  trans: TranslationBundle,
  action: () => Promise<void>
): Promise<void> {
  try {
    await action();
  } catch (error) {
    const refused = error instanceof RefusedError;
    await showErrorMessage(
      refused ? error.message : trans.__('The server does not answer.'),
      refused ? error.hint : trans.__('Try again in a moment.')
    );
  }
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
