/** Joins the quality view with JupyterLab. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { tableRowsIcon } from '@jupyterlab/ui-components';

import { LabKitApi } from '../api';
import { QUALITY } from '../commands';
import { type IProjectArgs, projectOf, ProjectTabs } from '../projecttabs';
import { QualityView } from './widget';

export const qualityPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:quality',
  description: 'Shows progress and quality of the annotations of a project.',
  autoStart: true,
  optional: [ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('labkit_lab');
    const api = new LabKitApi(app.serviceManager.serverSettings);
    const tabs = new ProjectTabs(app, {
      name: 'quality',
      icon: tableRowsIcon,
      titleOf: project => trans.__('Quality of %1', project),
      make: (args: IProjectArgs) =>
        new QualityView(args, api, app.commands, trans)
    });
    app.commands.addCommand(QUALITY, {
      label: trans.__('Quality of Annotations'),
      execute: async received => {
        const question = trans.__('Quality of which project?');
        const project = await projectOf(received, api, question, trans);
        if (project !== null) {
          tabs.show(project);
        }
      }
    });
    tabs.restore(restorer, QUALITY);
  }
};
