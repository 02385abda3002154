/** Tiles of the picture: which are looked at, which are here, and what stands in for those on their way. */

import type { IPicture } from './protocol';
import { clamp, type IBox, type Viewport } from './viewport';

const MOST_AT_ONCE = 6; // as many as a browser has connections
const MOST_AHEAD = 3; // of them for what is not in sight yet: the rest is free when the view jumps
const MOST_BYTES = 256 * 2 ** 20;
const RETRY_MS = 3_000;

export interface ITileKey {
  readonly level: number;
  readonly row: number;
  readonly column: number;
}

/** Read a tile from the server. */
export type ReadTile = (
  key: ITileKey,
  signal: AbortSignal
) => Promise<ImageBitmap>;

/** Keeps tiles that were seen, and reads what is looked at, the nearest first. */
export class TileCache {
  /**
   * @param onArrival - Called when a tile is here that was looked at.
   */
  constructor(
    private readonly _picture: IPicture,
    private readonly _read: ReadTile,
    private readonly _onArrival: () => void
  ) {}

  /** Draw the picture; what is not here yet is drawn from a coarser tile. */
  draw(context: CanvasRenderingContext2D, view: Viewport): void {
    const level = view.level(this._picture.levels.length);
    for (const key of this._within(view.seen, level, 0)) {
      this._drawTile(context, view, key);
    }
  }

  /** Whether every tile in sight is here at its own level. */
  isComplete(view: Viewport): boolean {
    const level = view.level(this._picture.levels.length);
    const keys = this._within(view.seen, level, 0);
    return keys.every(key => this._here.has(nameOf(key)));
  }

  /**
   * Read what is looked at, instead of what was and is not asked for yet. What is under way may come: to give up a request closes its
   * connection, and a new one costs a round trip more than is won.
   */
  lookAt(view: Viewport): void {
    const coarsest = this._picture.levels.length - 1;
    const level = view.level(coarsest + 1);
    this._wanted = new Map();
    const want = (keys: ITileKey[]): void =>
      keys.forEach(key => this._wanted.set(nameOf(key), key));
    want(this._within(view.seen, coarsest, 0));
    want(this._byDistance(view, this._within(view.seen, level, 0)));
    this._inSight = this._wanted.size;
    want(this._byDistance(view, this._within(view.seen, level, 1)));
    this._readNext();
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._retry);
    this._underWay.forEach(abort => abort.abort());
    this._here.forEach(tile => tile.close());
    this._here.clear();
  }

  private _drawTile(
    context: CanvasRenderingContext2D,
    view: Viewport,
    key: ITileKey
  ): void {
    const area = this._areaOf(key);
    const [oy, ox] = view.offset;
    const [y0, x0] = [
      Math.round(oy + area.y0 * view.zoom),
      Math.round(ox + area.x0 * view.zoom)
    ];
    const [y1, x1] = [
      Math.round(oy + area.y1 * view.zoom),
      Math.round(ox + area.x1 * view.zoom)
    ];
    for (
      let { level, row, column } = key;
      level < this._picture.levels.length;
      level++, row >>= 1, column >>= 1
    ) {
      const name = nameOf({ level, row, column });
      const tile = this._here.get(name);
      if (tile !== undefined) {
        this._here.delete(name); // the most recently drawn goes to the end
        this._here.set(name, tile);
        const origin = this._areaOf({ level, row, column });
        const scale = 2 ** level;
        context.drawImage(
          tile,
          (area.x0 - origin.x0) / scale,
          (area.y0 - origin.y0) / scale,
          (area.x1 - area.x0) / scale,
          (area.y1 - area.y0) / scale,
          x0,
          y0,
          x1 - x0,
          y1 - y0
        );
        return;
      }
    }
  }

  /** What a tile covers, in pixels of the picture. */
  private _areaOf({ level, row, column }: ITileKey): IBox {
    const { height_px, width_px, tile_px } = this._picture;
    const side = tile_px * 2 ** level;
    return {
      y0: row * side,
      x0: column * side,
      y1: Math.min((row + 1) * side, height_px),
      x1: Math.min((column + 1) * side, width_px)
    };
  }

  /** The tiles of a level that touch a box, and so many rings of tiles around it. */
  private _within(box: IBox, level: number, rings: number): ITileKey[] {
    const { levels, tile_px } = this._picture;
    const [height, width] = levels[level] ?? [0, 0];
    const side = tile_px * 2 ** level;
    const lastRow = Math.ceil(height / tile_px) - 1;
    const lastColumn = Math.ceil(width / tile_px) - 1;
    const keys: ITileKey[] = [];
    const [top, left] = [Math.floor(box.y0 / side), Math.floor(box.x0 / side)];
    const [bottom, right] = [
      Math.floor(box.y1 / side),
      Math.floor(box.x1 / side)
    ];
    for (
      let row = Math.max(top - rings, 0);
      row <= Math.min(bottom + rings, lastRow);
      row++
    ) {
      for (
        let column = Math.max(left - rings, 0);
        column <= Math.min(right + rings, lastColumn);
        column++
      ) {
        keys.push({ level, row, column });
      }
    }
    return keys;
  }

  private _byDistance(view: Viewport, keys: ITileKey[]): ITileKey[] {
    const [y, x] = view.centre;
    const distance = (key: ITileKey): number => {
      const area = this._areaOf(key);
      return Math.hypot(
        y - clamp(y, area.y0, area.y1),
        x - clamp(x, area.x0, area.x1)
      );
    };
    return keys.sort((a, b) => distance(a) - distance(b));
  }

  private _readNext(): void {
    if (this._isDisposed) {
      return;
    }
    let place = 0;
    for (const [name, key] of this._wanted) {
      const most = place++ < this._inSight ? MOST_AT_ONCE : MOST_AHEAD;
      if (this._underWay.size >= most) {
        return;
      }
      if (!this._here.has(name) && !this._underWay.has(name)) {
        void this._readOne(name, key);
      }
    }
  }

  private async _readOne(name: string, key: ITileKey): Promise<void> {
    const abort = new AbortController();
    this._underWay.set(name, abort);
    try {
      this._keep(name, await this._read(key, abort.signal));
      if (this._underWay.get(name) === abort) {
        this._underWay.delete(name); // given up while it was decoded, it may be under way anew
      }
    } catch (error) {
      if (!abort.signal.aborted) {
        console.warn(`Tile ${name} could not be read; trying again.`, error);
        this._retry = window.setTimeout(() => {
          this._underWay.delete(name);
          this._readNext();
        }, RETRY_MS);
      }
      return;
    }
    this._readNext();
  }

  private _keep(name: string, tile: ImageBitmap): void {
    if (this._isDisposed || this._here.has(name)) {
      tile.close(); // counted twice it would never be given back
      return;
    }
    this._here.set(name, tile);
    this._bytes += bytesOf(tile);
    for (const [old, bitmap] of this._here) {
      if (this._bytes <= MOST_BYTES) {
        break;
      }
      if (!this._wanted.has(old)) {
        this._here.delete(old);
        this._bytes -= bytesOf(bitmap);
        bitmap.close();
      }
    }
    if (this._wanted.has(name)) {
      this._onArrival();
    }
  }

  private readonly _here = new Map<string, ImageBitmap>(); // the least recently drawn first
  private readonly _underWay = new Map<string, AbortController>();
  private _wanted = new Map<string, ITileKey>(); // in the order in which they are read
  private _inSight = 0; // how many of them, from the first on
  private _bytes = 0;
  private _retry = 0;
  private _isDisposed = false;
}

function nameOf({ level, row, column }: ITileKey): string {
  return `${level}/${row}/${column}`;
}

function bytesOf(tile: ImageBitmap): number {
  return 4 * tile.width * tile.height;
}
