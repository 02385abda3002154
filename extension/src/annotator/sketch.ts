/** What Python draws over the picture: it moves along with the view until Python has drawn it anew. */

import type { IDisposable } from '@lumino/disposable';

import type { Viewport } from './viewport';

const SETTLED_MS = 150; // a view that has not moved for so long is worth drawing for

/** What ipycanvas' model of a layer is for us. */
export interface IDrawnLayer {
  readonly canvas: HTMLCanvasElement;
  readonly ctx: CanvasRenderingContext2D;
  on(event: 'new-frame', callback: () => void): void;
  off(event: 'new-frame', callback: () => void): void;
}

/** Whether Python draws, and how to ask it to draw again. */
export interface ISketching {
  isOn(): boolean;
  ask(): void;
}

/** A layer whose pixels are not ours, but whose place is: Python draws in pixels of the picture. */
export class Sketch implements IDisposable {
  constructor(
    private readonly _layer: IDrawnLayer,
    private readonly _sketching: ISketching
  ) {
    _layer.on('new-frame', this._onDrawn);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._layer.off('new-frame', this._onDrawn);
  }

  get isOn(): boolean {
    return this._sketching.isOn();
  }

  /** Forget what was drawn: Python begins, or has ended. */
  begin(): void {
    window.clearTimeout(this._timer);
    this._view = null;
    this._kept = null;
    this._isDrawn = false;
  }

  /** Hold on to what is there: a canvas of another size is an empty one. */
  keep(): void {
    if (this._kept === null && this._view !== null && this._isDrawn) {
      const { canvas } = this._layer;
      const copy = document.createElement('canvas');
      copy.height = canvas.height;
      copy.width = canvas.width;
      copy.getContext('2d')?.drawImage(canvas, 0, 0);
      this._kept = { copy, view: this._view };
    }
  }

  /** Put what is there to its place in a view, and let Python draw there from now on; it is asked to when the view rests. */
  show(view: Viewport): void {
    if (view === this._view || !this.isOn) {
      return;
    }
    this.keep();
    this._view = view;
    const { ctx } = this._layer;
    this._place(ctx, view);
    const [y, x] = view.offset;
    ctx.setTransform(view.zoom, 0, 0, view.zoom, x, y);
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._sketching.ask(), SETTLED_MS);
  }

  private _place(ctx: CanvasRenderingContext2D, view: Viewport): void {
    if (this._kept === null) {
      return;
    }
    const { copy, view: then } = this._kept;
    const scale = view.zoom / then.zoom;
    const [y, x] = view.offset;
    const [thenY, thenX] = then.offset;
    ctx.save();
    ctx.resetTransform();
    ctx.globalAlpha = 1;
    ctx.globalCompositeOperation = 'source-over';
    ctx.clearRect(0, 0, view.canvas.width, view.canvas.height);
    ctx.translate(x - thenX * scale, y - thenY * scale);
    ctx.scale(scale, scale);
    ctx.drawImage(copy, 0, 0);
    ctx.restore();
  }

  private readonly _onDrawn = (): void => {
    this._isDrawn = true;
    this._kept = null; // what is there now is right for the view of now
  };

  private _view: Viewport | null = null;
  private _kept: {
    readonly copy: HTMLCanvasElement;
    readonly view: Viewport;
  } | null = null;
  private _isDrawn = false;
  private _isDisposed = false;
  private _timer = 0;
}
