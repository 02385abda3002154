/** Joins the annotator with JupyterLab: its command, its tabs, its widget in notebooks. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ANNOTATE } from '../commands';
import { labkitIcon } from '../icons';
import { type AnnotatorMain, AnnotatorTab, type ITabArgs } from './tab';
import * as widget from './widget';

export const annotatorPlugin: JupyterFrontEndPlugin<void> = {
  id: 'labkit-lab:annotator',
  description: 'Opens pictures of projects in tabs, to draw in them.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IJupyterWidgetRegistry],
  optional: [ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    registry: IJupyterWidgetRegistry,
    restorer: ILayoutRestorer | null,
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
    addCommand(app, tracker, rendermime, trans);
    void restorer?.restore(tracker, {
      command: ANNOTATE,
      args: ({ content }) => ({ ...content.args }),
      name: ({ content }) => nameOf(content.args)
    });
  }
};

function addCommand(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<AnnotatorMain>,
  rendermime: IRenderMimeRegistry,
  trans: TranslationBundle
): void {
  app.commands.addCommand(ANNOTATE, {
    label: trans.__('Annotate'),
    execute: received => {
      const args = argsOf(received);
      const open = tracker.find(
        ({ content }) => nameOf(content.args) === nameOf(args)
      );
      if (open !== undefined) {
        app.shell.activateById(open.id);
        return;
      }
      const content = new AnnotatorTab(
        args,
        app.serviceManager,
        rendermime,
        trans,
        () => void tracker.save(main)
      );
      const main = new MainAreaWidget({ content });
      main.id = `labkit-annotator-${nameOf(args)}`;
      main.toolbar.hide(); // the widget has its own
      main.title.label = args.title;
      main.title.icon = labkitIcon;
      main.title.closable = true;
      main.disposed.connect(() => endKernel(content, tracker));
      // the tracker first, so that the layout has a name for the tab; and no waiting, which would hold up the restoring of JupyterLab
      void tracker.add(main);
      app.shell.add(main, 'main');
      void content.connect();
    }
  });
}

/** The last tab of a project ends its kernel. */
function endKernel(
  closed: AnnotatorTab,
  tracker: WidgetTracker<AnnotatorMain>
): void {
  const { path } = closed.args;
  if (!tracker.find(({ content }) => content.args.path === path)) {
    void closed.shutdown();
  }
}

function nameOf(args: ITabArgs): string {
  const { author, imageId, projectId } = args;
  return [projectId, imageId, ...(author === '' ? [] : [author])].join('-');
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
    ...(modelId === '' ? {} : { modelId })
  };
}
