/** Joins the Runs view with JupyterLab. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';

import { LabKitApi } from '../api';
import { CATEGORY, RUNS } from '../commands';
import { type IProjectArgs, projectOf, ProjectTabs } from '../projecttabs';
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
    const tabs = new ProjectTabs(app, {
      name: 'runs',
      icon: runIcon,
      titleOf: project => trans.__('Runs of %1', project),
      make: (args: IRunsArgs) => {
        const view = new RunsView(args, api, app.commands, trans);
        view.argsChanged.connect(() => tabs.save(view));
        return view;
      }
    });
    app.commands.addCommand(RUNS, {
      label: trans.__('Runs and Models…'),
      caption: trans.__('Training runs and models of a project'),
      execute: async received => {
        const question = trans.__('Runs of which project?');
        const project = await projectOf(received, api, question, trans);
        if (project !== null) {
          const view = tabs.show(argsOf(project, received));
          const { trainingSet } = received;
          if (typeof trainingSet === 'string') {
            void view.startRun(trainingSet);
          }
        }
      }
    });
    palette?.addItem({ command: RUNS, category: CATEGORY });
    tabs.restore(restorer, RUNS);
  }
};

/** What is to be shown of a project, as the caller or the layout says. */
function argsOf(
  project: IProjectArgs,
  received: Readonly<Record<string, unknown>>
): IRunsArgs {
  const text = (name: string): string | null =>
    typeof received[name] === 'string' ? received[name] : null;
  return {
    ...project,
    part: received['part'] === 'models' ? 'models' : 'runs',
    run: text('run'),
    model: text('model')
  };
}
