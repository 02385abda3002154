/** Joins the Course panel with JupyterLab: left bar, palette, documents, notebooks. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';

import { LabKitApi } from '../api';
import { CATEGORY, CELL_KIND, FEEDBACK, SHOW_COURSES } from '../commands';
import { courseIcon } from '../icons';
import { CourseActions } from './actions';
import { noteActivity, noteAnnotations } from './activity';
import { chooseKind } from './cellkind';
import { FeedbackView } from './feedback';
import { CoursesPanel } from './panel';

const RANK_IN_LEFT_BAR = 151; // below the projects

export const coursesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:courses',
  description:
    'The Course panel: what is handed out, handed in and given back.',
  autoStart: true,
  requires: [IDocumentManager],
  optional: [
    ICommandPalette,
    IDefaultFileBrowser,
    ILayoutRestorer,
    INotebookTracker,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    documents: IDocumentManager,
    palette: ICommandPalette | null,
    fileBrowser: IDefaultFileBrowser | null,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('labkit_lab');
    const api = new LabKitApi(app.serviceManager.serverSettings);
    const panel = new CoursesPanel(
      api,
      trans,
      model => new CourseActions(app, model, documents, fileBrowser, trans)
    );
    app.shell.add(panel, 'left', { rank: RANK_IN_LEFT_BAR, type: CATEGORY });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(SHOW_COURSES, {
      label: trans.__('Show Course Work'),
      caption: trans.__('Assignments: fetch, hand in, see what came back'),
      icon: courseIcon,
      execute: async () => {
        app.shell.activateById(panel.id);
        // when a command ends, the palette gives the focus back to the main area
        await new Promise(resolve => requestAnimationFrame(resolve));
        panel.activate();
      }
    });
    palette?.addItem({ command: SHOW_COURSES, category: CATEGORY });
    addFeedback(app, api, restorer, trans);
    if (notebooks !== null) {
      noteActivity(notebooks, panel.model);
      noteAnnotations(panel.model);
      addCellKind(app, notebooks, palette, trans);
      void app.restored.then(() => panel.model.refresh()); // to know which notebooks are course work
    }
  }
};

/** For who writes an assignment: what the active cell is in it. */
function addCellKind(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  app.commands.addCommand(CELL_KIND, {
    label: trans.__('Set Kind of Cell in Assignment…'),
    caption: trans.__('Answer, test, task, locked or plain; id and points'),
    isEnabled: () => notebooks.activeCell !== null,
    execute: async () => {
      const cell = notebooks.activeCell;
      if (cell !== null) {
        await chooseKind(cell, trans);
      }
    }
  });
  palette?.addItem({ command: CELL_KIND, category: CATEGORY });
  app.contextMenu.addItem({
    command: CELL_KIND,
    selector: '.jp-Notebook .jp-Cell',
    rank: 20
  });
}

/** Tabs with feedback: one for each assignment and submission. */
function addFeedback(
  app: JupyterFrontEnd,
  api: LabKitApi,
  restorer: ILayoutRestorer | null,
  trans: TranslationBundle
): void {
  const tracker = new WidgetTracker<MainAreaWidget<FeedbackView>>({
    namespace: 'labkit-feedback'
  });
  app.commands.addCommand(FEEDBACK, {
    label: trans.__('Show Feedback'),
    execute: received => {
      const text = (name: string): string => String(received[name] ?? '');
      const assignment = text('assignment');
      const submission = text('submission');
      const open = tracker.find(
        ({ content: { args } }) =>
          args.assignment === assignment && args.submission === submission
      );
      if (open !== undefined) {
        app.shell.activateById(open.id);
        void open.content.refresh();
        return;
      }
      const args = { assignment, name: text('name'), submission };
      const content = new FeedbackView(args, api, trans);
      const main = new MainAreaWidget({ content });
      main.id = `labkit-feedback-${assignment}-${submission}`;
      main.toolbar.hide();
      main.title.label = trans.__('Feedback on %1', args.name);
      main.title.icon = courseIcon;
      main.title.closable = true;
      content.node.setAttribute('role', 'region');
      content.node.setAttribute('aria-label', main.title.label);
      void tracker.add(main);
      app.shell.add(main, 'main');
    }
  });
  void restorer?.restore(tracker, {
    command: FEEDBACK,
    args: ({ content }) => ({ ...content.args }),
    name: ({ content: { args } }) => `${args.assignment}-${args.submission}`
  });
}
