/** The whole picture in a corner, with a frame around what is seen; pointing in it goes there. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { Place } from './protocol';
import { TileRelay } from './relay';
import type { Sight } from './sight';
import type { Stage } from './stage';
import { TileCache } from './tiles';
import { Viewport } from './viewport';

const LONGER_PX = 160; // CSS pixels
const LEAST_PX = 24;
const LEAST_FRAME_PX = 6; // a smaller frame is not found

export class OverviewMap implements IDisposable {
  constructor(
    private readonly _stage: Stage,
    private readonly _sight: Sight,
    private readonly _trans: TranslationBundle
  ) {
    const { picture, source } = _stage;
    this._tiles = new TileRelay(
      () => new TileCache(picture, source.picture(), () => this.repaint()),
      true
    );
    this.node.className = 'labkit-Annotator-overview';
    this._button.type = 'button';
    this._button.className = 'labkit-Button';
    this._button.addEventListener('click', () =>
      _sight.set({ overview: !_sight.settings.overview })
    );
    this._canvas.setAttribute('aria-hidden', 'true'); // the arrows move the picture itself
    this.node.append(this._canvas, this._button);
    for (const type of ['pointerdown', 'pointermove']) {
      this._canvas.addEventListener(type, this);
    }
    _sight.changed.connect(this.repaint, this);
    this.update();
  }

  readonly node = document.createElement('div');

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    this._sight.changed.disconnect(this.repaint, this);
    this._tiles.dispose();
    this.node.remove();
  }

  handleEvent(event: Event): void {
    const { pointerId, buttons, offsetX, offsetY } = event as PointerEvent;
    event.preventDefault();
    if (event.type === 'pointerdown') {
      this._canvas.setPointerCapture(pointerId);
    }
    if (buttons === 1) {
      const { density, view } = this._stage;
      const place: Place = [offsetY * density, offsetX * density];
      this._stage.show(view.centred(this._map.toPicture(place)));
    }
  }

  /** Paint what is seen in the next frame. */
  repaint(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this.update();
      });
    }
  }

  /** Paint what is seen now. */
  update(): void {
    const isOpen = this._sight.settings.overview;
    this._canvas.hidden = !isOpen;
    this._button.setAttribute('aria-expanded', String(isOpen));
    this._button.textContent = isOpen ? '×' : this._trans.__('Map');
    const label = isOpen
      ? this._trans.__('Hide the overview map')
      : this._trans.__('Show the overview map');
    this._button.title = label;
    this._button.setAttribute('aria-label', label);
    if (isOpen) {
      this._paint();
    }
  }

  private _paint(): void {
    const canvas = this._canvas;
    const map = this._map;
    const { density } = this._stage;
    const { height, width } = map.canvas;
    if (canvas.height !== height || canvas.width !== width) {
      canvas.height = height;
      canvas.width = width;
      canvas.style.height = `${height / density}px`;
      canvas.style.width = `${width / density}px`;
    }
    const context = canvas.getContext('2d');
    if (context !== null) {
      context.clearRect(0, 0, width, height);
      this._tiles.show(this._sight.tileKey, map);
      this._tiles.draw(context, map);
      this._paintFrame(context, map);
    }
  }

  private _paintFrame(context: CanvasRenderingContext2D, map: Viewport): void {
    const { density, view } = this._stage;
    const { y0, x0, y1, x1 } = view.seen;
    const [tall, wide] = [(y1 - y0) * map.zoom, (x1 - x0) * map.zoom].map(
      side => Math.max(side, LEAST_FRAME_PX * density)
    ) as [number, number];
    const [y, x] = map.toCanvas(view.centre);
    const [top, left] = [y - tall / 2, x - wide / 2];
    for (const [line, colour] of [
      [3, '#000000b0'],
      [1.5, '#ffffff']
    ] as const) {
      context.lineWidth = line * density;
      context.strokeStyle = colour;
      context.strokeRect(left, top, wide, tall);
    }
    const frame = [left, top, wide, tall].map(Math.round);
    this._canvas.dataset.frame = frame.join(' ');
  }

  /** The whole picture on the map's canvas. */
  private get _map(): Viewport {
    const { density, picture } = this._stage;
    const [height, width] = [picture.height_px, picture.width_px];
    const scale = LONGER_PX / Math.max(height, width);
    const side = (length: number): number =>
      Math.round(Math.max(length * scale, LEAST_PX) * density);
    const canvas = { height: side(height), width: side(width) };
    const middle: Place = [height / 2, width / 2];
    return new Viewport({ height, width }, canvas, middle, scale * density);
  }

  private readonly _canvas = document.createElement('canvas');
  private readonly _button = document.createElement('button');
  private readonly _tiles: TileRelay;
  private _frame = 0;
  private _isDisposed = false;
}
