/** Joins the quality view with JupyterLab. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { tableRowsIcon } from '@jupyterlab/ui-components';

import { LabKitApi } from '../api';
import { QUALITY } from '../commands';
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
    const tracker = new WidgetTracker<MainAreaWidget<QualityView>>({
      namespace: 'labkit-quality'
    });
    app.commands.addCommand(QUALITY, {
      label: trans.__('Quality of Annotations'),
      execute: received => {
        const projectId = String(received['projectId'] ?? '');
        const title = String(received['title'] ?? projectId);
        const open = tracker.find(
          ({ content }) => content.args.projectId === projectId
        );
        if (open !== undefined) {
          app.shell.activateById(open.id);
          return;
        }
        const args = { projectId, title };
        const content = new QualityView(args, api, app.commands, trans);
        const main = new MainAreaWidget({ content });
        main.id = `labkit-quality-${projectId}`;
        main.toolbar.hide();
        main.title.label = trans.__('Quality of %1', title);
        content.node.setAttribute('aria-label', main.title.label); // in place of "main area content"
        main.title.icon = tableRowsIcon;
        main.title.closable = true;
        void tracker.add(main);
        app.shell.add(main, 'main');
      }
    });
    void restorer?.restore(tracker, {
      command: QUALITY,
      args: ({ content }) => ({ ...content.args }),
      name: ({ content }) => content.args.projectId
    });
  }
};
