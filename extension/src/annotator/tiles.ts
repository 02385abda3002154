/** Tiles of the picture: which are looked at, which are here, and what stands in for those on their way. */

import type { IPicture } from './protocol';
import { TileLoader } from './tileloader';
import { type ITileKey, nameOf, type ReadTiles } from './tilereading';
import { clamp, type IBox, type Viewport } from './viewport';

const MOST_BYTES = 256 * 2 ** 20;

/** Keeps tiles that were seen, and has those read that are looked at, the nearest first. */
export class TileCache {
  /**
   * @param onArrival - Called when a tile has come that is in sight.
   */
  constructor(
    private readonly _picture: IPicture,
    read: ReadTiles,
    private readonly _onArrival: () => void
  ) {
    this._loader = new TileLoader(
      read,
      name => this._here.has(name),
      (name, tile) => this._keep(name, tile)
    );
  }

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

  /** Have those read that are in sight, then those around them. */
  lookAt(view: Viewport): void {
    const coarsest = this._picture.levels.length - 1;
    const level = view.level(coarsest + 1);
    const inSight = this._byDistance(view, this._within(view.seen, level, 0));
    if (level !== coarsest) {
      inSight.unshift(...this._within(view.seen, coarsest, 0)); // stands in for all others
    }
    const around = this._byDistance(view, this._within(view.seen, level, 1));
    this._inSight = new Set(inSight.map(nameOf));
    this._wanted = new Set([...inSight, ...around].map(nameOf));
    this._loader.want(inSight, around);
  }

  dispose(): void {
    this._isDisposed = true;
    this._loader.dispose();
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
    if (this._inSight.has(name)) {
      this._onArrival();
    }
  }

  private readonly _here = new Map<string, ImageBitmap>(); // the least recently drawn first
  private readonly _loader: TileLoader;
  private _inSight: ReadonlySet<string> = new Set();
  private _wanted: ReadonlySet<string> = new Set(); // those around it too: never given back
  private _bytes = 0;
  private _isDisposed = false;
}

function bytesOf(tile: ImageBitmap): number {
  return 4 * tile.width * tile.height;
}
