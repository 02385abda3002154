/** Joins the Runs view with JupyterLab. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  InputDialog,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';

import { LabKitApi } from '../api';
import { CATEGORY, RUNS } from '../commands';
import { errorWords } from '../quality/words';
import { type IRunsArgs, RunsView } from './widget';

export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:runs',
  description: 'Shows training runs and models of a project.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('labkit_lab');
    const api = new LabKitApi(app.serviceManager.serverSettings);
    const tracker = new WidgetTracker<MainAreaWidget<RunsView>>({
      namespace: 'labkit-runs'
    });
    app.commands.addCommand(RUNS, {
      label: trans.__('Runs and Models…'),
      caption: trans.__('Training runs and models of a project'),
      execute: async received => {
        const args = await argsOf(received, api, trans);
        if (args !== null) {
          const view = open(app, api, tracker, args, trans);
          const { trainingSet } = received;
          if (typeof trainingSet === 'string') {
            void view.startRun(trainingSet);
          }
        }
      }
    });
    palette?.addItem({ command: RUNS, category: CATEGORY });
    void restorer?.restore(tracker, {
      command: RUNS,
      args: ({ content }) => ({ ...content.args }),
      name: ({ content }) => content.args.projectId
    });
  }
};

function open(
  app: JupyterFrontEnd,
  api: LabKitApi,
  tracker: WidgetTracker<MainAreaWidget<RunsView>>,
  args: IRunsArgs,
  trans: TranslationBundle
): RunsView {
  const there = tracker.find(
    ({ content }) => content.args.projectId === args.projectId
  );
  if (there !== undefined) {
    app.shell.activateById(there.id);
    return there.content;
  }
  const content = new RunsView(args, api, app.commands, trans);
  const main = new MainAreaWidget({ content });
  main.id = `labkit-runs-${args.projectId}`;
  main.toolbar.hide();
  main.title.label = trans.__('Runs of %1', args.title);
  content.node.setAttribute('aria-label', main.title.label); // in place of "main area content"
  main.title.icon = runIcon;
  main.title.closable = true;
  content.argsChanged.connect(() => void tracker.save(main));
  void tracker.add(main);
  app.shell.add(main, 'main');
  return content;
}

/** What is to be shown: what the caller or the layout says, else a project that the person chooses; null when they changed their mind. */
async function argsOf(
  received: Readonly<Record<string, unknown>>,
  api: LabKitApi,
  trans: TranslationBundle
): Promise<IRunsArgs | null> {
  const text = (name: string): string | null =>
    typeof received[name] === 'string' ? received[name] : null;
  const asked = text('projectId');
  const project =
    asked === null
      ? await chooseProject(api, trans)
      : { id: asked, title: text('title') ?? asked };
  return (
    project && {
      projectId: project.id,
      title: project.title,
      part: received['part'] === 'models' ? 'models' : 'runs',
      run: text('run'),
      model: text('model')
    }
  );
}

async function chooseProject(
  api: LabKitApi,
  trans: TranslationBundle
): Promise<{ readonly id: string; readonly title: string } | null> {
  try {
    const { projects } = await api.listProjects(false);
    const [only, ...others] = projects;
    if (only === undefined) {
      Notification.info(trans.__('There is no project yet. Make one first.'));
      return null;
    }
    if (others.length === 0) {
      return only;
    }
    const titles = projects.map(({ title }) => title);
    const chosen = await InputDialog.getItem({
      title: trans.__('Runs of which project?'),
      items: titles,
      okLabel: trans.__('Show')
    });
    const index = chosen.value === null ? -1 : titles.indexOf(chosen.value);
    return chosen.button.accept ? (projects[index] ?? null) : null;
  } catch (error) {
    Notification.error(errorWords(error, trans).join(' '));
    return null;
  }
}
