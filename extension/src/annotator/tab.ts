/** A tab with one picture, and the kernel that all annotators of a project share. */

import * as base from '@jupyter-widgets/base';
import * as controls from '@jupyter-widgets/controls';
import {
  KernelWidgetManager,
  WidgetRenderer
} from '@jupyter-widgets/jupyterlab-manager';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Kernel, ServiceManager, Session } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';

import { MODULE_NAME, MODULE_VERSION } from './widget';
import * as annotator from './widget';

const VIEW_MIME = 'application/vnd.jupyter.widget-view+json';
const SESSION_TYPE = 'labkit-annotate';

/** What a tab shows, kept by the layout through a reload. */
export interface ITabArgs {
  readonly projectId: string;
  readonly imageId: string;
  /** Whose annotations; yours if it is empty. */
  readonly author: string;
  /** Of the kernel's session: one for each project. */
  readonly path: string;
  readonly title: string;
  /** Of the widget in the kernel, once there is one. */
  modelId?: string;
}

/** The content of an annotator's tab; connects when it is told to. */
export class AnnotatorTab extends Panel {
  constructor(
    readonly args: ITabArgs,
    private readonly _services: ServiceManager.IManager,
    private readonly _rendermime: IRenderMimeRegistry,
    private readonly _trans: TranslationBundle,
    private readonly _onModel: () => void
  ) {
    super();
    this.addClass('labkit-AnnotatorTab');
  }

  override dispose(): void {
    this._manager?.dispose();
    this._session?.dispose();
    super.dispose();
  }

  /** Find or start the kernel, and show the widget; says in words what went wrong. */
  async connect(): Promise<void> {
    this._say(this._trans.__('Opening %1…', this.args.title));
    try {
      const session = await this._openSession();
      if (this.isDisposed) {
        session.dispose();
        return;
      }
      this._session = session;
      session.statusChanged.connect((_, status) => this._onStatus(status));
      await this._show(session);
    } catch (error) {
      console.error(error);
      this._say(
        this._trans.__(
          'The picture could not be opened. Close this tab and open it again. (%1)',
          error instanceof Error ? error.message : String(error)
        )
      );
    }
  }

  /** End the kernel if no other tab uses it. */
  async shutdown(): Promise<void> {
    await this._services.sessions.shutdown(this._session?.id ?? '');
  }

  private async _openSession(): Promise<Session.ISessionConnection> {
    const { sessions } = this._services;
    const { path, title } = this.args;
    await sessions.refreshRunning();
    const model = await sessions.findByPath(path);
    if (model !== undefined) {
      // else only the first tab of a kernel hears of new widgets
      const kernelConnectionOptions = { handleComms: true };
      return sessions.connectTo({ model, kernelConnectionOptions });
    }
    return sessions.startNew({
      path,
      type: SESSION_TYPE,
      name: title,
      kernel: { name: 'python3' }
    });
  }

  /** Show the widget that this tab had in this kernel, or a new one. */
  private async _show(session: Session.ISessionConnection): Promise<void> {
    const kernel = session.kernel;
    if (kernel === null) {
      throw new Error(this._trans.__('There is no kernel.'));
    }
    this._manager?.dispose();
    const manager = await makeManager(kernel, this._rendermime);
    this._manager = manager;
    await restored(manager); // while it looks at the widgets of other tabs it overhears new ones
    const { modelId } = this.args;
    if (modelId !== undefined && manager.has_model(modelId)) {
      const model = await manager.get_model(modelId);
      const view = await manager.create_view(model);
      this._fill((view as base.DOMWidgetView).luminoWidget);
      return;
    }
    await this._execute(kernel, manager);
  }

  private async _execute(
    kernel: Kernel.IKernelConnection,
    manager: KernelWidgetManager
  ): Promise<void> {
    const { projectId, imageId, author } = this.args;
    const asked = [projectId, imageId, ...(author === '' ? [] : [author])];
    const rendermime = this._rendermime.clone();
    rendermime.removeMimeType(VIEW_MIME);
    rendermime.addFactory(
      {
        safe: false,
        mimeTypes: [VIEW_MIME],
        createRenderer: options => new WidgetRenderer(options, manager)
      },
      -10
    );
    const model = new OutputAreaModel({ trusted: true });
    const area = new SimplifiedOutputArea({ model, rendermime });
    area.future = kernel.requestExecute({
      code:
        'from labkit_lab.widgets import open_annotator\n' +
        `open_annotator(${asked.map(one => JSON.stringify(one)).join(', ')})`,
      store_history: false
    });
    this._fill(area);
    await area.future.done;
    for (let k = 0; k < model.length; k++) {
      const view = model.get(k).data[VIEW_MIME] as { model_id: string };
      if (view !== undefined) {
        this.args.modelId = view.model_id;
        this._onModel();
      }
    }
  }

  /** After a kernel's death its widgets are dead: make new ones when it is back. */
  private _onStatus(status: Kernel.Status): void {
    const session = this._session;
    if (status === 'autorestarting' || status === 'restarting') {
      this._isRestarting = true;
    } else if (status === 'idle' && this._isRestarting && session !== null) {
      this._isRestarting = false;
      delete this.args.modelId;
      void this._show(session);
    }
  }

  private _fill(widget: Widget): void {
    this.widgets.slice().forEach(old => old.dispose());
    this.addWidget(widget);
  }

  private _say(text: string): void {
    const note = new Widget();
    note.addClass('labkit-AnnotatorTab-note');
    note.node.textContent = text;
    this._fill(note);
  }

  private _session: Session.ISessionConnection | null = null;
  private _manager: KernelWidgetManager | null = null;
  private _isRestarting = false;
}

export type AnnotatorMain = MainAreaWidget<AnnotatorTab>;

/** A manager that knows the widgets an annotator is made of; bare it knows none. */
async function makeManager(
  kernel: Kernel.IKernelConnection,
  rendermime: IRenderMimeRegistry
): Promise<KernelWidgetManager> {
  const ipycanvas = await import('ipycanvas');
  const manager = new KernelWidgetManager(kernel, rendermime);
  manager.register({
    name: '@jupyter-widgets/base',
    version: base.JUPYTER_WIDGETS_VERSION,
    exports: { ...base } as unknown as base.ExportMap
  });
  manager.register({
    name: '@jupyter-widgets/controls',
    version: controls.JUPYTER_CONTROLS_VERSION,
    exports: { ...controls } as unknown as base.ExportMap
  });
  manager.register({
    name: 'ipycanvas',
    version: ipycanvas.MODULE_VERSION,
    exports: { ...ipycanvas } as unknown as base.ExportMap
  });
  manager.register({
    name: MODULE_NAME,
    version: MODULE_VERSION,
    exports: { ...annotator } as unknown as base.ExportMap
  });
  return manager;
}

function restored(manager: KernelWidgetManager): Promise<void> {
  return new Promise(resolve => {
    if (manager.restoredStatus) {
      resolve();
    } else {
      manager.restored.connect(() => resolve());
    }
  });
}
