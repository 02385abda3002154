/** Joins the view of training sets with JupyterLab. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { LabKitApi } from '../api';
import { CATEGORY, TRAINING_SETS } from '../commands';
import { setsIcon } from '../icons';
import { type IProjectArgs, projectOf, ProjectTabs } from '../projecttabs';
import { SetsView } from './widget';

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
    const tabs = new ProjectTabs(app, {
      name: 'training-sets',
      icon: setsIcon,
      titleOf: project => trans.__('Training sets of %1', project),
      make: (args: IProjectArgs) => new SetsView(args, api, app.commands, trans)
    });
    app.commands.addCommand(TRAINING_SETS, {
      label: trans.__('Training Sets…'),
      caption: trans.__('Build a training set, or see those of a project'),
      icon: setsIcon,
      execute: async received => {
        const question = trans.__('Training sets of which project?');
        const project = await projectOf(received, api, question, trans);
        if (project !== null) {
          tabs.show(project);
        }
      }
    });
    palette?.addItem({ command: TRAINING_SETS, category: CATEGORY });
    tabs.restore(restorer, TRAINING_SETS);
  }
};
