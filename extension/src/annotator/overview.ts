/** The whole picture in a corner, with a frame around what is seen; pointing in it goes there. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { Place } from './protocol';
import type { Sight } from './sight';
import type { Stage } from './stage';

const LONGER_PX = 160; // CSS pixels
const LEAST_PX = 24;
const LEAST_FRAME_PX = 6; // a smaller frame is not found

export class OverviewMap implements IDisposable {
  /**
   * @param thumbnail - Address of a small picture.
   */
  constructor(
    private readonly _stage: Stage,
    private readonly _sight: Sight,
    thumbnail: string,
    private readonly _trans: TranslationBundle
  ) {
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
    this._image.addEventListener('load', () => this.update());
    this._image.src = thumbnail;
    _sight.changed.connect(this.update, this);
    this.update();
  }

  readonly node = document.createElement('div');

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._sight.changed.disconnect(this.update, this);
    this.node.remove();
  }

  handleEvent(event: Event): void {
    const { pointerId, buttons, offsetX, offsetY } = event as PointerEvent;
    event.preventDefault();
    if (event.type === 'pointerdown') {
      this._canvas.setPointerCapture(pointerId);
    }
    if (buttons === 1) {
      const scale = this._scale;
      const place: Place = [offsetY / scale, offsetX / scale];
      this._stage.show(this._stage.view.centred(place));
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
    const { density, picture, view } = this._stage;
    const [height, width] = [picture.height_px, picture.width_px].map(side =>
      Math.max(side * this._scale, LEAST_PX)
    ) as [number, number];
    canvas.style.height = `${height}px`;
    canvas.style.width = `${width}px`;
    canvas.height = Math.round(height * density);
    canvas.width = Math.round(width * density);
    const context = canvas.getContext('2d');
    if (context === null) {
      return;
    }
    if (this._image.complete && this._image.naturalWidth > 0) {
      context.drawImage(this._image, 0, 0, canvas.width, canvas.height);
    }
    const scale = this._scale * density;
    const { y0, x0, y1, x1 } = view.seen;
    const [tall, wide] = [(y1 - y0) * scale, (x1 - x0) * scale].map(side =>
      Math.max(side, LEAST_FRAME_PX * density)
    ) as [number, number];
    const [y, x] = view.centre;
    const frame = [x * scale - wide / 2, y * scale - tall / 2, wide, tall];
    for (const [line, colour] of [
      [3, '#000000b0'],
      [1.5, '#ffffff']
    ] as const) {
      context.lineWidth = line * density;
      context.strokeStyle = colour;
      context.strokeRect(...(frame as [number, number, number, number]));
    }
    canvas.dataset.frame = frame.map(Math.round).join(' ');
  }

  /** CSS pixels of the map for each pixel of the picture. */
  private get _scale(): number {
    const { height_px, width_px } = this._stage.picture;
    return LONGER_PX / Math.max(height_px, width_px);
  }

  private readonly _canvas = document.createElement('canvas');
  private readonly _button = document.createElement('button');
  private readonly _image = new Image();
  private _isDisposed = false;
}
