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
import { Easel } from './easel';
import { takeKey } from './keys';
import { watchKernel } from './kernelwatch';
import { PointerLayer } from './pointer';
import type { IClass, IPicture, KernelMessage } from './protocol';
import { openReview } from './reviewdoor';
import { AnnotatorSession } from './session';
import { Sidebar } from './sidebar';
import { Stage } from './stage';
import { StateLine } from './stateline';
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
    this._easel = new Easel(this._session, model.get('classes') as IClass[]);
    this._build();
    this.listenTo(
      model,
      'msg:custom',
      (message: KernelMessage, buffers: DataView[]) =>
        this._session.take(message, buffers)
    );
    this._session.changed.connect(({ saveState }) =>
      this.el.setAttribute('aria-busy', String(saveState === 'saving'))
    );
    this._easel.changed.connect(({ settings }) => {
      this._overlay.dataset.tool = settings.tool;
    });
    this._session.copied.connect((_, text) => this._keepCopy(text));
    this._session.answered.connect((_, number) =>
      tell(this._overlay, 'ack', { number })
    );
    this._unwatch = watchKernel(model, isOnline => {
      this._session.isOnline = isOnline;
    });
    void this.displayed.then(() => this._start({ projectId, imageId, author }));
  }

  override remove(): this {
    this._unwatch();
    this._review?.dispose();
    this._resizes.disconnect();
    this._pointer?.dispose();
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
    const api = new LabKitApi(ServerConnection.makeSettings());
    const stage = new Stage(
      canvas,
      picture,
      this._overlay,
      easel,
      async (key, signal) => {
        const query = { ...key, version: picture.version };
        const blob = await api.readTile(projectId, imageId, query, signal);
        return createImageBitmap(blob);
      },
      () => this._viewChanged.emit()
    );
    this._stage = stage;
    easel.stage = stage;
    this._pointer = new PointerLayer(this._overlay, easel);
    this._add('toolbar', <Toolbar easel={easel} trans={trans} />);
    this._add('side', <Sidebar easel={easel} trans={trans} />);
    this._add(
      'state',
      <StateLine
        session={this._session}
        stage={stage}
        viewChanged={this._viewChanged}
        trans={trans}
      />
    );
    this._review = openReview(
      { api, document, easel, stage, trans },
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
    const isButton = target.tagName === 'BUTTON';
    if (isButton && ['Enter', ' '].includes(event.key)) {
      return;
    }
    if (event.key === ' ') {
      this._easel.pans = true;
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this._escape();
    } else if (takeKey(event, this._easel, stage)) {
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
    const text = event.clipboardData?.getData('text/plain') || this._copy;
    if (text !== '') {
      event.preventDefault();
      this._session.command('paste', [], { text });
    }
  }

  /** Put what was copied where other programs find it, if the browser lets us. */
  private _keepCopy(text: string): void {
    this._copy = text;
    navigator.clipboard?.writeText(text).catch((error: unknown) => {
      console.warn(
        'The clipboard cannot be written; pasting works here.',
        error
      );
    });
  }

  private readonly _host = document.createElement('div');
  private readonly _overlay = document.createElement('canvas');
  private readonly _viewChanged = new Signal<this, void>(this);
  private readonly _parts: Widget[] = [];
  private readonly _resizes = new ResizeObserver(entries => {
    const size = entries.at(-1)?.contentRect;
    this._stage?.resize(size?.height ?? 0, size?.width ?? 0);
  });
  private _session!: AnnotatorSession;
  private _easel!: Easel;
  private _stage: Stage | null = null;
  private _pointer: PointerLayer | null = null;
  private _review: IDisposable | null = null;
  private _unwatch = (): void => undefined;
  private _copy = '';
}

function isTyping(node: HTMLElement): boolean {
  return (
    node.tagName === 'TEXTAREA' ||
    (node.tagName === 'INPUT' && node.getAttribute('type') !== 'checkbox')
  );
}
