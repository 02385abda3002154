/** The canvases: the ipycanvas layers with picture and objects, and our overlay above them. */

import type { DOMWidgetModel } from '@jupyter-widgets/base';
import type { IDisposable } from '@lumino/disposable';

import { watchDensity } from './density';
import { Follower } from './following';
import { drawChosen, drawItems, type ILook } from './painter';
import type { IItem } from './displaylist';
import { filterBetween } from './livewindow';
import type { IPicture } from './protocol';
import { TileRelay } from './relay';
import { type IDrawnLayer, type ISketching, Sketch } from './sketch';
import type { Sight } from './sight';
import type { ReadTiles } from './tilereading';
import { TileCache } from './tiles';
import { Viewport } from './viewport';
import { tell } from './witness';

const PICTURE = 0;
const OBJECTS = 1;
const MASK = 2;
const CHOSEN = 3;
const SKETCH = 4; // what Python draws
const SHARP_FROM = 2; // from this zoom on pixels are squares

/** What ipycanvas' models are for us. */
export type ILayer = DOMWidgetModel & IDrawnLayer;

/** Makes readers of tiles as they are to be seen now. */
export interface ITileSource {
  picture(): ReadTiles;
  mask(): ReadTiles;
}

/** What is to be seen. */
export interface IScenery {
  readonly sight: Sight;
  /** Names the mask: another text, other pixels. */
  readonly maskKey: string;
  readonly items: ReadonlyArray<IItem>;
  readonly chosen: ReadonlyArray<IItem>;
  look(density: number): ILook;
  drawOverlay(context: CanvasRenderingContext2D, view: Viewport): void;
}

/** Paints at most once for each frame of the display. */
export class Stage implements IDisposable {
  /**
   * @param multi - The `MultiCanvas` whose layers are painted.
   * @param onView - Called when another part of the picture is seen.
   * @param sketching - Whether Python draws, and how to ask it to.
   */
  constructor(
    private readonly _multi: DOMWidgetModel,
    readonly picture: IPicture,
    private readonly _overlay: HTMLCanvasElement,
    private readonly _scenery: IScenery,
    readonly source: ITileSource,
    private readonly _onView: () => void,
    sketching: ISketching
  ) {
    const repaint = (): void => this.repaint();
    this._tiles = new TileRelay(
      () =>
        new TileCache(picture, source.picture(), () => this._repaintPicture()),
      true,
      (from, to) => filterBetween(from, to, picture)
    );
    this._mask = new TileRelay(
      () => new TileCache(picture, source.mask(), repaint),
      false
    );
    const drawn = this._layers[SKETCH];
    this._sketch = drawn ? new Sketch(drawn, sketching) : null;
    this._watch = watchDensity(() => this.resize(...this._cssSize));
    this._view = Viewport.fit(this._pictureSize, { height: 1, width: 1 });
  }

  get view(): Viewport {
    return this._view;
  }

  /** Canvas pixels for each CSS pixel. */
  get density(): number {
    return window.devicePixelRatio;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    this._watch.dispose();
    this._sketch?.dispose();
    this._tiles.dispose();
    this._mask.dispose();
  }

  /** See another part of the picture. */
  show(view: Viewport): void {
    this._isFitted = false;
    this._see(view);
  }

  /** See the whole picture, in a canvas of another size too. */
  fit(): void {
    this._isFitted = true;
    this._see(Viewport.fit(this._pictureSize, this._view.canvas));
  }

  /** Take the size of the host in CSS pixels; resized and painted in one task, so that nothing flickers. */
  resize(cssHeight: number, cssWidth: number): void {
    this._cssSize = [cssHeight, cssWidth];
    const height = Math.round(cssHeight * this.density);
    const width = Math.round(cssWidth * this.density);
    const { canvas } = this._view;
    if (height < 1 || width < 1) {
      return;
    }
    if (height === canvas.height && width === canvas.width) {
      return;
    }
    this._sketch?.keep();
    // set, not saved: each browser has a size of its own
    this._multi.set({ height, width });
    this._overlay.height = height;
    this._overlay.width = width;
    this._layers.forEach((_, number) => this._sizeLayer(number));
    const size = { height, width };
    const denser = this.density / this._lastDensity;
    this._lastDensity = this.density;
    this._see(
      this._isFitted
        ? Viewport.fit(this._pictureSize, size)
        : this._view.resized(size).zoomed(denser)
    );
    this._paintAll();
  }

  /** Python has begun to draw, or has ended. */
  sketchingChanged(): void {
    this._sketch?.begin();
    this._sizeLayer(SKETCH);
    this.repaint();
  }

  /** Paint everything in the next frame. */
  repaint(): void {
    this._isStale = true;
    this.repaintOverlay();
  }

  /** Where the layers are shown, so that they can be moved before they are painted. */
  set shownBy(element: HTMLElement) {
    this._follower.element = element;
  }

  /** A tile has come: the objects above it are as they were. */
  private _repaintPicture(): void {
    this._isPictureStale = true;
    this.repaintOverlay();
  }

  /** Paint what the hand does in the next frame. */
  repaintOverlay(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._paintAll();
      });
    }
  }

  private _see(view: Viewport): void {
    this._view = view;
    this._tiles.lookAt(view);
    if (this._overlay.dataset.mask !== undefined) {
      this._mask.lookAt(view);
    }
    this._onView();
    this.repaint();
  }

  /** Give a layer the size of all; one that shows nothing gets a pixel, because all are put together for each frame. */
  private _sizeLayer(number: number): void {
    const { height, width } = this._overlay;
    const isUsed =
      number === MASK
        ? this._isMaskSeen
        : number !== SKETCH || (this._sketch?.isOn ?? false);
    this._layers[number]?.set(
      isUsed ? { height, width } : { height: 1, width: 1 }
    );
  }

  private get _isMaskSeen(): boolean {
    const { mask, hidesAll } = this._scenery.sight.settings;
    return mask && !hidesAll;
  }

  private _paintAll(): void {
    if (this.density !== this._lastDensity) {
      this.resize(...this._cssSize); // the browser has not told of it yet
    }
    const isStale = this._isStale || this._isPictureStale;
    const paints = isStale && this._follower.mayPaint(this._view, this.density);
    if (paints) {
      const since = performance.now();
      const isWhole = this._isStale;
      this._paintLayers();
      const cost = performance.now() - since;
      this._follower.painted(this._view, isWhole ? cost : null);
    } else if (isStale) {
      this._overlay.dataset.picture = 'loading';
      this.repaintOverlay();
      tell(this._overlay, 'follow', {});
    }
    const context = this._overlay.getContext('2d');
    if (context !== null) {
      context.clearRect(0, 0, this._overlay.width, this._overlay.height);
      this._scenery.drawOverlay(context, this._view);
    }
    tell(this._overlay, 'preview', {});
    if (paints) {
      const complete = this._overlay.dataset.picture === 'complete';
      const objects = this._scenery.items.length;
      tell(this._overlay, 'frame', { complete, objects });
    }
  }

  private _paintLayers(): void {
    this._onLayer(PICTURE, context => {
      context.imageSmoothingEnabled = this._view.zoom < SHARP_FROM;
      this._tiles.show(this._scenery.sight.tileKey, this._view);
      this._tiles.draw(context, this._view);
    });
    if (this._isStale) {
      this._paintMask();
      this._paintObjects();
      this._sketch?.show(this._view);
    }
    this._isStale = this._isPictureStale = false;
    this._layers[CHOSEN]?.trigger('new-frame'); // one is enough: all layers are put together again
    const isComplete = this._tiles.isComplete(this._view);
    this._overlay.dataset.picture = isComplete ? 'complete' : 'loading';
  }

  private _paintObjects(): void {
    const look = this._scenery.look(this.density);
    this._onLayer(OBJECTS, context =>
      drawItems(context, this._view, this._scenery.items, look)
    );
    this._onLayer(CHOSEN, context =>
      drawChosen(context, this._view, this._scenery.chosen, look)
    );
  }

  /** Class ids are never averaged: a pixel of the mask is a square, or left out. */
  private _paintMask(): void {
    const isSeen = this._isMaskSeen;
    if (!isSeen && this._overlay.dataset.mask === undefined) {
      return;
    }
    if (this._overlay.dataset.mask === undefined) {
      this._mask.lookAt(this._view); // it was not followed while it was away
    }
    this._sizeLayer(MASK);
    this._onLayer(MASK, context => {
      if (isSeen) {
        context.imageSmoothingEnabled = false;
        this._mask.show(this._scenery.maskKey, this._view);
        this._mask.draw(context, this._view);
      }
    });
    const isComplete = this._mask.isComplete(this._view);
    if (isSeen) {
      this._overlay.dataset.mask = isComplete ? 'complete' : 'loading';
    } else {
      delete this._overlay.dataset.mask;
    }
  }

  private _onLayer(
    number: number,
    draw: (context: CanvasRenderingContext2D) => void
  ): void {
    const context = this._layers[number]?.ctx;
    if (context !== undefined) {
      const { height, width } = this._view.canvas;
      context.save();
      context.clearRect(0, 0, width, height);
      draw(context);
      context.restore();
    }
  }

  private get _layers(): ReadonlyArray<ILayer> {
    return this._multi.get('_canvases') as ReadonlyArray<ILayer>;
  }

  private get _pictureSize(): { height: number; width: number } {
    const { height_px, width_px } = this.picture;
    return { height: height_px, width: width_px };
  }

  private readonly _tiles: TileRelay;
  private readonly _mask: TileRelay;
  private readonly _watch: IDisposable;
  private readonly _sketch: Sketch | null;
  private _cssSize: readonly [height: number, width: number] = [0, 0];
  private _lastDensity = window.devicePixelRatio;
  private _view: Viewport;
  private _isFitted = true;
  private _frame = 0;
  private _isStale = true;
  private _isPictureStale = false; // only the tiles
  private readonly _follower = new Follower();
  private _isDisposed = false;
}
