/** The widget of `labkit_lab.widgets.Annotator`: model and view. */

import {
  DOMWidgetModel,
  DOMWidgetView,
  type ISerializers,
  unpack_models
} from '@jupyter-widgets/base';
import { ServerConnection } from '@jupyterlab/services';
import {
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { type IDocumentName, LabKitApi } from '../api';
import { Calm } from './calm';
import { Easel } from './easel';
import { showHelp } from './help';
import { watchKernel } from './kernelwatch';
import { takeKey } from './keys';
import { LoginWatch } from './loginwatch';
import { OverviewMap } from './overview';
import { PointerLayer } from './pointer';
import type { IClass, IPicture, KernelMessage } from './protocol';
import { openReview } from './reviewdoor';
import { AnnotatorSession } from './session';
import { Sidebar } from './sidebar';
import { Stage } from './stage';
import { Sight } from './sight';
import { StateLine } from './stateline';
import { TileSource } from './tilesource';
import { Toolbar } from './toolbar';
import { tell } from './witness';

export const MODULE_NAME = 'labkit-lab';
export const MODULE_VERSION = '0.1.0';

/** What the kernel says of the picture and its classes; the document comes in messages. */
export class AnnotatorModel extends DOMWidgetModel {
  static override serializers: ISerializers = {
    ...DOMWidgetModel.serializers,
    canvas: { deserialize: unpack_models }
  };

  override defaults(): Record<string, unknown> {
    return {
      ...super.defaults(),
      _model_name: 'AnnotatorModel',
      _view_name: 'AnnotatorView',
      _model_module: MODULE_NAME,
      _view_module: MODULE_NAME,
      _model_module_version: `^${MODULE_VERSION}`,
      _view_module_version: `^${MODULE_VERSION}`
    };
  }
}

/** Canvases, toolbar, lists and state line of one annotator. */
export class AnnotatorView extends DOMWidgetView {
  /** Set by the plugin. */
  static trans: TranslationBundle = nullTranslator.load('labkit_lab');

  override render(): void {
    const { model } = this;
    const projectId = model.get('project_id') as string;
    const imageId = model.get('image_id') as string;
    const author = model.get('author') as string;
    this._session = new AnnotatorSession(
      `${projectId}/${imageId}/${author}`,
      (content, buffers) => model.send({ ...content }, undefined, buffers)
    );
    this._easel = new Easel(
      this._session,
      model.get('classes') as IClass[],
      new Sight(model.get('image') as IPicture, `${projectId}/${imageId}`)
    );
    this._build();
    this.listenTo(
      model,
      'msg:custom',
      (message: KernelMessage, buffers: DataView[]) =>
        this._session.take(message, buffers)
    );
    // busy at once, and until buttons and lists show what was saved
    this._session.changed.connect(({ saveState }) => {
      if (saveState === 'saving') {
        this.el.setAttribute('aria-busy', 'true');
      }
    });
    this._session.told.connect(({ saveState }) =>
      this.el.setAttribute('aria-busy', String(saveState === 'saving'))
    );
    this._easel.changed.connect(({ settings }) => {
      this._overlay.dataset.tool = settings.tool;
    });
    this._session.answered.connect((_, number) =>
      tell(this._overlay, 'ack', { number })
    );
    const kernel = watchKernel(model, isOnline => {
      this._session.isOnline = isOnline;
      this._login.isDoubted = !isOnline;
    });
    this._unwatch = kernel.end;
    this._login = new LoginWatch(
      () => this._api.session.isLoggedIn(),
      isLoggedIn => {
        this._session.isLoggedOut = !isLoggedIn;
        if (isLoggedIn) {
          kernel.reconnect();
          tell(this._overlay, 'login', {});
          this._stage?.repaint(); // tiles that were refused are asked for again
        }
      }
    );
    void this.displayed.then(() => this._start({ projectId, imageId, author }));
  }

  override remove(): this {
    this._unwatch();
    this._viewTold.dispose();
    this._login.dispose();
    this._review?.dispose();
    this._resizes.disconnect();
    this._pointer?.dispose();
    this._map?.dispose();
    this._stage?.dispose();
    this._session.dispose();
    this._parts.forEach(part => part.dispose());
    Signal.clearData(this);
    return super.remove();
  }

  /** The parts lie in our node, not in our widget: they come and go with the page's node only if they are told. */
  override processLuminoMessage(msg: Message): void {
    if (msg.type === 'before-detach') {
      this._parts
        .filter(part => part.isAttached)
        .forEach(part => Widget.detach(part));
    }
    super.processLuminoMessage(msg);
    if (msg.type === 'after-attach') {
      this._parts.forEach(part => Widget.attach(part, this.el));
    }
  }

  /** Keys and the clipboard; everything else listens for itself. */
  handleEvent(event: Event): void {
    switch (event.type) {
      case 'keydown':
        return this._keyDown(event as KeyboardEvent);
      case 'keyup':
        return this._keyUp(event as KeyboardEvent);
      case 'paste':
        return this._paste(event as ClipboardEvent);
    }
  }

  private _build(): void {
    const { trans } = AnnotatorView;
    this.el.classList.add('labkit-Annotator');
    this.el.dataset.lmSuppressShortcuts = 'true'; // letters choose tools here
    for (const type of ['keydown', 'keyup', 'paste']) {
      this.el.addEventListener(type, this);
    }
    this._host.className = 'labkit-Annotator-stage';
    this._overlay.className = 'labkit-Annotator-overlay';
    this._overlay.tabIndex = 0;
    this._overlay.setAttribute('role', 'application');
    this._overlay.setAttribute(
      'aria-label',
      trans.__(
        'Picture. Arrows move the crosshair, Space sets a vertex, Enter closes a polygon, Escape gives up.'
      )
    );
    this.el.append(this._host);
  }

  private async _start(document: IDocumentName): Promise<void> {
    const { trans } = AnnotatorView;
    const easel = this._easel;
    const { projectId, imageId } = document;
    const picture = this.model.get('image') as IPicture;
    const canvas = this.model.get('canvas') as DOMWidgetModel;
    const child = await this.create_child_view(canvas);
    child.el.tabIndex = -1; // ipycanvas would hold the focus and report each move
    child.el.setAttribute('aria-hidden', 'true');
    this._host.append(child.el, this._overlay);
    const source = new TileSource(
      this._api,
      projectId,
      imageId,
      document.author,
      easel,
      () => void this._login.check()
    );
    const stage = new Stage(
      canvas,
      picture,
      this._overlay,
      easel,
      source,
      () => this._viewTold.ask(),
      {
        isOn: () => this.model.get('sketches') === true,
        ask: () => this._session.askForSketch()
      }
    );
    stage.shownBy = child.el;
    this.listenTo(this.model, 'change:sketches', () =>
      stage.sketchingChanged()
    );
    this._stage = stage;
    const map = new OverviewMap(stage, easel.sight, trans);
    this._map = map;
    this._viewChanged.connect(() => map.repaint());
    this._host.append(map.node);
    easel.stage = stage;
    this._pointer = new PointerLayer(this._overlay, easel);
    this._add('toolbar', <Toolbar easel={easel} trans={trans} />);
    this._add(
      'side',
      <Sidebar
        easel={easel}
        readWindows={() => source.readWindows(stage.view.seen)}
        trans={trans}
      />
    );
    this._add(
      'state',
      <StateLine
        session={this._session}
        stage={stage}
        sight={easel.sight}
        canvas={this._overlay}
        viewChanged={this._viewChanged}
        loginUrl={this._api.session.loginUrl}
        trans={trans}
      />
    );
    this._review = openReview(
      { api: this._api, document, easel, stage, trans },
      this.luminoWidget,
      this._host,
      this.model.get('read_only') === true,
      element => this._add('review', element)
    );
    this._resizes.observe(this._host);
    await this._session.start();
  }

  private _add(name: string, element: React.JSX.Element): void {
    const part = ReactWidget.create(element);
    part.addClass(`labkit-Annotator-${name}`);
    if (name === 'toolbar') {
      part.node.setAttribute('role', 'toolbar');
    }
    this._parts.push(part);
    if (this.luminoWidget.isAttached) {
      Widget.attach(part, this.el);
    }
  }

  private _keyDown(event: KeyboardEvent): void {
    const stage = this._stage;
    const target = event.target as HTMLElement;
    if (stage === null || isTyping(target)) {
      return;
    }
    const openHelp = (): void => void showHelp(AnnotatorView.trans);
    const isButton = ['BUTTON', 'INPUT'].includes(target.tagName); // of inputs only checkboxes come here
    if (isButton && ['Enter', ' '].includes(event.key)) {
      return;
    }
    if (event.key === ' ') {
      this._easel.pans = true;
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this._escape();
    } else if (takeKey(event, { easel: this._easel, stage, openHelp })) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /** Give up what is open; with nothing open the focus leaves the picture. */
  private _escape(): void {
    if (this._easel.isDrawing) {
      this._easel.giveUp();
    } else if (this._session.selection.length > 0) {
      this._session.selection = [];
    } else {
      this.el.querySelector<HTMLElement>('[role=toolbar] button')?.focus();
    }
  }

  private _keyUp(event: KeyboardEvent): void {
    if (event.key === ' ' && this._easel.pans) {
      this._easel.pans = false;
      if (event.target === this._overlay) {
        this._easel.press();
      }
    }
  }

  private _paste(event: ClipboardEvent): void {
    if (isTyping(event.target as HTMLElement)) {
      return;
    }
    event.preventDefault();
    void this._easel.paste(event.clipboardData?.getData('text/plain') ?? '');
  }

  private readonly _api = new LabKitApi(ServerConnection.makeSettings());
  private readonly _host = document.createElement('div');
  private readonly _overlay = document.createElement('canvas');
  private readonly _viewChanged = new Signal<this, void>(this);
  private readonly _viewTold = new Calm(() => this._viewChanged.emit());
  private readonly _parts: Widget[] = [];
  private readonly _resizes = new ResizeObserver(entries => {
    const size = entries.at(-1)?.contentRect;
    this._stage?.resize(size?.height ?? 0, size?.width ?? 0);
  });
  private _login!: LoginWatch;
  private _session!: AnnotatorSession;
  private _easel!: Easel;
  private _stage: Stage | null = null;
  private _pointer: PointerLayer | null = null;
  private _map: OverviewMap | null = null;
  private _review: IDisposable | null = null;
  private _unwatch = (): void => undefined;
}

function isTyping(node: HTMLElement): boolean {
  return (
    ['TEXTAREA', 'SELECT'].includes(node.tagName) ||
    (node.tagName === 'INPUT' && node.getAttribute('type') !== 'checkbox')
  );
}
