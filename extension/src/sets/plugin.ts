/** Joins the view of training sets with JupyterLab. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  InputDialog,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';

import { LabKitApi } from '../api';
import { CATEGORY, TRAINING_SETS } from '../commands';
import { setsIcon } from '../icons';
import { type ISetsArgs, SetsView } from './widget';

type Main = MainAreaWidget<SetsView>;

export const setsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:training-sets',
  description: 'Builds training sets of a project, and shows those there are.',
  autoStart: true,
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('labkit_lab');
    const api = new LabKitApi(app.serviceManager.serverSettings);
    const tracker = new WidgetTracker<Main>({
      namespace: 'labkit-training-sets'
    });
    app.commands.addCommand(TRAINING_SETS, {
      label: trans.__('Training Sets…'),
      caption: trans.__('Build a training set, or see those of a project'),
      icon: setsIcon,
      execute: async received => {
        const args = argsOf(received) ?? (await askForProject(api, trans));
        if (args !== null) {
          show(app, api, tracker, args, trans);
        }
      }
    });
    palette?.addItem({ command: TRAINING_SETS, category: CATEGORY });
    void restorer?.restore(tracker, {
      command: TRAINING_SETS,
      args: ({ content }) => ({ ...content.args }),
      name: ({ content }) => content.args.projectId
    });
  }
};

function argsOf(received: {
  readonly [name: string]: unknown;
}): ISetsArgs | null {
  const projectId = String(received['projectId'] ?? '');
  const title = String(received['title'] ?? projectId);
  return projectId === '' ? null : { projectId, title };
}

/** From the palette nobody has said which project. */
async function askForProject(
  api: LabKitApi,
  trans: TranslationBundle
): Promise<ISetsArgs | null> {
  const { projects } = await api.listProjects(false);
  const [only, ...others] = projects;
  if (only !== undefined && others.length === 0) {
    return { projectId: only.id, title: only.title };
  }
  const titles = projects.map(project => project.title);
  const chosen = await InputDialog.getItem({
    title: trans.__('Training sets of which project?'),
    items: titles,
    okLabel: trans.__('Show')
  });
  const index = chosen.value === null ? -1 : titles.indexOf(chosen.value);
  const project = chosen.button.accept ? projects[index] : undefined;
  return project === undefined
    ? null
    : { projectId: project.id, title: project.title };
}

function show(
  app: JupyterFrontEnd,
  api: LabKitApi,
  tracker: WidgetTracker<Main>,
  args: ISetsArgs,
  trans: TranslationBundle
): void {
  const open = tracker.find(
    ({ content }) => content.args.projectId === args.projectId
  );
  if (open !== undefined) {
    app.shell.activateById(open.id);
    return;
  }
  const content = new SetsView(args, api, app.commands, trans);
  const main = new MainAreaWidget({ content });
  main.id = `labkit-training-sets-${args.projectId}`;
  main.toolbar.hide();
  main.title.label = trans.__('Training sets of %1', args.title);
  content.node.setAttribute('aria-label', main.title.label); // in place of "main area content"
  main.title.icon = setsIcon;
  main.title.closable = true;
  void tracker.add(main);
  app.shell.add(main, 'main');
}
