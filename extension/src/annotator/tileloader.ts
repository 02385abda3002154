/** Which tiles are asked for, when, and together with which others. */

import { type ITileKey, nameOf, type ReadTiles } from './tilereading';

const MOST_ORDERS = 3; // for what is in sight; with one ahead they leave two of a browser's six connections to everybody else
const MOST_TILES = 32; // of an order
const MOST_AHEAD = 12; // so that what comes into sight meanwhile does not wait for long
const RETRY_MS = 3_000;

interface IOrder {
  /** What has not come yet, by name. */
  readonly rest: Set<string>;
  readonly isAhead: boolean;
  readonly abort: AbortController;
}

/** Orders what is in sight at once, and what lies around it when nothing in sight is missing. */
export class TileLoader {
  /**
   * @param isHere - Whether a tile has come already.
   * @param keep - Takes a tile that has come.
   */
  constructor(
    private readonly _read: ReadTiles,
    private readonly _isHere: (name: string) => boolean,
    private readonly _keep: (name: string, tile: ImageBitmap) => void
  ) {}

  /**
   * Read what is missing, the first first, instead of what was wanted before. An order that still brings something goes on: to give it
   * up closes its connection, and a new one costs a round trip more than is won.
   */
  want(
    inSight: ReadonlyArray<ITileKey>,
    around: ReadonlyArray<ITileKey>
  ): void {
    this._inSight = inSight;
    this._around = around;
    this._giveUpUseless();
    this._orderMissing();
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._retry);
    this._orders.forEach(order => order.abort.abort());
    this._orders.clear();
  }

  private _giveUpUseless(): void {
    const wanted = new Set([...this._inSight, ...this._around].map(nameOf));
    for (const order of this._orders) {
      const { rest } = order;
      if (rest.size > 0 && ![...rest].some(name => wanted.has(name))) {
        this._orders.delete(order);
        order.abort.abort();
      }
    }
  }

  private _orderMissing(): void {
    let missing = this._missing(this._inSight);
    while (missing.length > 0 && this._count(false) < MOST_ORDERS) {
      void this._order(missing.slice(0, MOST_TILES), false);
      missing = missing.slice(MOST_TILES);
    }
    const around = missing.length > 0 ? [] : this._missing(this._around);
    if (around.length > 0 && this._orders.size === 0) {
      void this._order(around.slice(0, MOST_AHEAD), true);
    }
  }

  private _missing(keys: ReadonlyArray<ITileKey>): ITileKey[] {
    return keys.filter(key => {
      const name = nameOf(key);
      return (
        !this._isHere(name) &&
        !this._resting.has(name) &&
        ![...this._orders].some(order => order.rest.has(name))
      );
    });
  }

  private _count(isAhead: boolean): number {
    return [...this._orders].filter(order => order.isAhead === isAhead).length;
  }

  private async _order(
    keys: ReadonlyArray<ITileKey>,
    isAhead: boolean
  ): Promise<void> {
    const abort = new AbortController();
    const order = { rest: new Set(keys.map(nameOf)), isAhead, abort };
    this._orders.add(order);
    const take = (key: ITileKey, tile: ImageBitmap | null): void => {
      if (tile !== null) {
        order.rest.delete(nameOf(key));
        this._keep(nameOf(key), tile);
      }
    };
    try {
      await this._read({ keys, isAhead, take, signal: abort.signal });
    } catch (error) {
      if (!abort.signal.aborted) {
        console.warn('Tiles could not be read; trying again.', error);
      }
    }
    this._orders.delete(order);
    if (!abort.signal.aborted && !this._isDisposed) {
      this._rest(order.rest);
      this._orderMissing();
    }
  }

  /** Let alone for a while what did not come. */
  private _rest(names: ReadonlySet<string>): void {
    if (names.size > 0) {
      names.forEach(name => this._resting.add(name));
      window.clearTimeout(this._retry);
      this._retry = window.setTimeout(() => {
        this._resting.clear();
        this._orderMissing();
      }, RETRY_MS);
    }
  }

  private _inSight: ReadonlyArray<ITileKey> = [];
  private _around: ReadonlyArray<ITileKey> = [];
  private readonly _orders = new Set<IOrder>();
  private readonly _resting = new Set<string>(); // could not be read just now
  private _retry = 0;
  private _isDisposed = false;
}
