/** Joins the annotator with JupyterLab: its command, its tabs, its widget in notebooks. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ANNOTATE, ANOTHER_VIEW, CATEGORY } from '../commands';
import { labkitIcon } from '../icons';
import { SharedKernels } from './kernels';
import { type AnnotatorMain, AnnotatorTab, type ITabArgs } from './tab';
import * as widget from './widget';

const TAB_CLASS = 'labkit-AnnotatorTab-title';

export const annotatorPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:annotator',
  description: 'Opens pictures of projects in tabs, to draw in them.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IJupyterWidgetRegistry],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    registry: IJupyterWidgetRegistry,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('labkit_lab');
    widget.AnnotatorView.trans = trans;
    registry.registerWidget({
      name: widget.MODULE_NAME,
      version: widget.MODULE_VERSION,
      exports: {
        AnnotatorModel: widget.AnnotatorModel,
        AnnotatorView: widget.AnnotatorView
      }
    });
    const tracker = new WidgetTracker<AnnotatorMain>({
      namespace: 'labkit-annotator'
    });
    const kernels = new SharedKernels(app.serviceManager.sessions);
    const open = (args: ITabArgs, beside?: string): void => {
      const content: AnnotatorTab = new AnnotatorTab(
        args,
        kernels,
        rendermime,
        trans,
        () => void tracker.save(main)
      );
      const main = mainOf(content, trans);
      // the tracker first, so that the layout has a name for the tab; and no waiting, which would hold up the restoring of JupyterLab
      void tracker.add(main);
      app.shell.add(main, 'main', besideOf(beside));
      void content.connect();
    };
    addAnnotate(app, tracker, open, trans);
    addAnotherView(app, tracker, open, palette, trans);
    void restorer?.restore(tracker, {
      command: ANNOTATE,
      args: ({ content }) => ({ ...content.args }),
      name: ({ content }) => nameOf(content.args)
    });
  }
};

type Open = (args: ITabArgs, beside?: string) => void;

function addAnnotate(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<AnnotatorMain>,
  open: Open,
  trans: TranslationBundle
): void {
  app.commands.addCommand(ANNOTATE, {
    label: trans.__('Annotate'),
    execute: received => {
      const args = argsOf(received);
      const known = tracker.find(
        ({ content }) => nameOf(content.args) === nameOf(args)
      );
      if (known === undefined) {
        open(args);
      } else {
        app.shell.activateById(known.id);
      }
    }
  });
}

/** A further tab with the same picture: it shares the document, and has a view and a selection of its own. */
function addAnotherView(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<AnnotatorMain>,
  open: Open,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  app.commands.addCommand(ANOTHER_VIEW, {
    label: trans.__('Open Another View'),
    caption: trans.__('Show the same picture in a second tab'),
    icon: labkitIcon,
    isEnabled: ({ ofClickedTab }) =>
      ofClickedTab === true || tracker.currentWidget !== null,
    execute: ({ ofClickedTab }) => {
      const clicked = ofClickedTab === true ? clickedTab(app, tracker) : null;
      const known = clicked ?? tracker.currentWidget;
      if (known !== null) {
        const { modelId: _, ...args } = known.content.args;
        open({ ...args, view: freeView(tracker, args) }, known.id);
      }
    }
  });
  app.contextMenu.addItem({
    command: ANOTHER_VIEW,
    args: { ofClickedTab: true },
    selector: `.lm-DockPanel-tabBar .${TAB_CLASS}`,
    rank: 4
  });
  palette?.addItem({ command: ANOTHER_VIEW, category: CATEGORY });
}

/** The annotator whose tab was clicked for the context menu. */
function clickedTab(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<AnnotatorMain>
): AnnotatorMain | undefined {
  const tab = app.contextMenuHitTest(node =>
    node.classList.contains(TAB_CLASS)
  );
  return tracker.find(({ id }) => id === tab?.dataset.id);
}

/** The least number that no view of this picture has. */
function freeView(
  tracker: WidgetTracker<AnnotatorMain>,
  args: ITabArgs
): number {
  let view = 1;
  const isTaken = ({ content }: AnnotatorMain): boolean =>
    nameOf(content.args) === nameOf({ ...args, view });
  while (tracker.find(isTaken) !== undefined) {
    view++;
  }
  return view;
}

function mainOf(
  content: AnnotatorTab,
  trans: TranslationBundle
): AnnotatorMain {
  const { args } = content;
  const main = new MainAreaWidget({ content });
  main.id = `labkit-annotator-${nameOf(args)}`;
  main.toolbar.hide(); // the widget has its own
  main.title.label =
    args.view === 1
      ? args.title
      : trans.__('%1 (view %2)', args.title, args.view);
  main.title.icon = labkitIcon;
  main.title.className = TAB_CLASS;
  main.title.closable = true;
  return main;
}

function besideOf(id?: string): { mode?: 'split-right'; ref?: string } {
  return id === undefined ? {} : { mode: 'split-right', ref: id };
}

function nameOf(args: ITabArgs): string {
  const { author, imageId, projectId, view } = args;
  const parts = [projectId, imageId, ...(author === '' ? [] : [author])];
  return [...parts, ...(view === 1 ? [] : [String(view)])].join('-');
}

function argsOf(received: ReadonlyPartialJSONObject): ITabArgs {
  const text = (name: string): string => String(received[name] ?? '');
  const modelId = text('modelId');
  return {
    projectId: text('projectId'),
    imageId: text('imageId'),
    author: text('author'),
    path: text('path') || `labkit-annotate-${text('projectId')}`,
    title: text('title') || text('imageId'),
    view: Number(received['view'] ?? 1),
    ...(modelId === '' ? {} : { modelId })
  };
}
