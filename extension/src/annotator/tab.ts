/** A tab with one picture: opens it, and says in words what stands in the way. */

import type { DOMWidgetView, WidgetModel } from '@jupyter-widgets/base';
import type { KernelWidgetManager } from '@jupyter-widgets/jupyterlab-manager';
import type { MainAreaWidget } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  type Kernel,
  ServerConnection,
  type Session
} from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, type Widget } from '@lumino/widgets';

import type { SharedKernels } from './kernels';
import { Notice } from './notice';
import {
  closing,
  makeAnnotator,
  makeManager,
  NotMadeError,
  restored
} from './widgetmaking';

const SLOW_MS = 15_000; // from then on trying again is offered

/** What a tab shows, kept by the layout through a reload. */
export interface ITabArgs {
  readonly projectId: string;
  readonly imageId: string;
  /** Whose annotations; yours if it is empty. */
  readonly author: string;
  /** Of the kernel's session: one for each project. */
  readonly path: string;
  readonly title: string;
  /** The how-manieth view of the picture in this JupyterLab, from 1. */
  readonly view: number;
  /** Of the widget in the kernel, once there is one. */
  modelId?: string;
}

/** The content of an annotator's tab; connects when it is told to. */
export class AnnotatorTab extends Panel {
  /**
   * @param onModel - Called when `args` holds another model.
   */
  constructor(
    readonly args: ITabArgs,
    private readonly _kernels: SharedKernels,
    private readonly _rendermime: IRenderMimeRegistry,
    private readonly _trans: TranslationBundle,
    private readonly _onModel: () => void
  ) {
    super();
    this.addClass('labkit-AnnotatorTab');
    // JupyterLab gives a kernel up that it is forbidden to ask for
    this.node.addEventListener('labkit-annotator:login', () => {
      if (!this._session?.kernel || this._session.kernel.status === 'dead') {
        void this.connect();
      }
    });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      const { modelId } = this.args;
      this._manager?.dispose();
      this._leave(modelId === undefined ? undefined : closing(modelId));
    }
    super.dispose();
  }

  /** Find or start the kernel, and show the widget; may be called again, whatever became of the last time. */
  async connect(): Promise<void> {
    const { path, title } = this.args;
    const attempt = ++this._attempt;
    const isOver = (): boolean => this.isDisposed || attempt !== this._attempt;
    this._say(this._trans.__('Opening %1…', title), false);
    const slow = window.setTimeout(() => {
      if (!isOver()) {
        this._say(this._words('slow'), true);
      }
    }, SLOW_MS);
    try {
      const session = await this._kernels.join(path, title);
      if (isOver()) {
        await this._kernels.leave(session);
        return;
      }
      this._leave(); // after joining, so that a kernel that both use goes on
      this._take(session);
      await this._show(session);
    } catch (error) {
      if (!isOver()) {
        this._fail(error);
      }
    } finally {
      window.clearTimeout(slow);
    }
  }

  private _take(session: Session.ISessionConnection): void {
    this._session = session;
    this._isRestarting = false;
    session.statusChanged.connect(this._onStatus, this);
    session.disposed.connect(this._onEnd, this); // by another tab or by hand
  }

  private _leave(parting?: string): void {
    const session = this._session;
    this._session = null;
    if (session !== null) {
      session.statusChanged.disconnect(this._onStatus, this);
      session.disposed.disconnect(this._onEnd, this);
      void this._kernels.leave(session, parting);
    }
  }

  private async _show(session: Session.ISessionConnection): Promise<void> {
    const { kernel } = session;
    if (kernel === null) {
      throw new NotMadeError(this._trans.__('There is no kernel.'));
    }
    this._manager?.dispose();
    const manager = await makeManager(kernel, this._rendermime);
    this._manager = manager;
    const model = await this._modelIn(kernel, manager);
    const view = await manager.create_view(model);
    if (!this.isDisposed && this._manager === manager) {
      this._fill((view as DOMWidgetView).luminoWidget);
    }
  }

  /** The model that this tab had in this kernel, or a new one. */
  private async _modelIn(
    kernel: Kernel.IKernelConnection,
    manager: KernelWidgetManager
  ): Promise<WidgetModel> {
    const { modelId, projectId, imageId, author } = this.args;
    await restored(manager); // also before making one: a widget that comes meanwhile would be made twice
    if (modelId !== undefined && manager.has_model(modelId)) {
      return manager.get_model(modelId);
    }
    const asked = [projectId, imageId, ...(author === '' ? [] : [author])];
    const made = await makeAnnotator(kernel, asked);
    this.args.modelId = made;
    this._onModel();
    return manager.get_model(made);
  }

  /** After a kernel's death its widgets are dead: make new ones when it is back. */
  private _onStatus(
    session: Session.ISessionConnection,
    status: Kernel.Status
  ): void {
    if (status === 'autorestarting' || status === 'restarting') {
      this._isRestarting = true;
      if (this._notice !== null) {
        this._say(this._words('restarting'), false); // else the line below the picture says it
      }
    } else if (status === 'idle' && this._isRestarting) {
      this._isRestarting = false;
      delete this.args.modelId;
      this._show(session).catch((error: unknown) => this._fail(error));
    } else if (status === 'dead') {
      this._onEnd();
    }
  }

  private _onEnd(): void {
    this._isRestarting = false;
    this._attempt++; // what is still waiting for this kernel waits in vain
    this._say(this._words('dead'), true);
  }

  private _fail(error: unknown): void {
    if (this._isRestarting || this._session?.isDisposed) {
      return; // it has been told, and goes on when the kernel is back
    }
    console.error(error);
    this._say(this._wordsOf(error), true);
  }

  private _wordsOf(error: unknown): string {
    if (error instanceof ServerConnection.NetworkError) {
      return this._words('unreachable');
    }
    const reason = error instanceof Error ? error.message : String(error);
    return this._trans.__('The picture could not be opened. %1', reason);
  }

  private _words(
    state: 'slow' | 'restarting' | 'dead' | 'unreachable'
  ): string {
    const trans = this._trans;
    switch (state) {
      case 'slow':
        return trans.__(
          'Opening takes long: the server or the kernel has not answered yet.'
        );
      case 'restarting':
        return trans.__('The kernel has died and is started again…');
      case 'dead':
        return trans.__(
          'The kernel has ended. What was not saved is kept in this browser, and is saved when you try again.'
        );
      case 'unreachable':
        return trans.__(
          'The server does not answer. Check the connection to it.'
        );
    }
  }

  /** Say something above the picture, if there is one. */
  private _say(text: string, canTryAgain: boolean): void {
    this._notice?.dispose();
    const again = canTryAgain ? () => void this.connect() : null;
    this._notice = new Notice(text, again, this._trans);
    this.insertWidget(0, this._notice);
  }

  private _fill(widget: Widget): void {
    this._notice = null;
    this.widgets.slice().forEach(old => old.dispose());
    this.addWidget(widget);
  }

  private _session: Session.ISessionConnection | null = null;
  private _manager: KernelWidgetManager | null = null;
  private _notice: Notice | null = null;
  private _isRestarting = false;
  private _attempt = 0;
}

export type AnnotatorMain = MainAreaWidget<AnnotatorTab>;
