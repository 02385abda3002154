/** Goes from one set of tiles to the next without a blank picture between them: another plane, other windows, another revision. */

import type { IDisposable } from '@lumino/disposable';

import type { TileCache } from './tiles';
import type { Viewport } from './viewport';

const PATIENCE_MS = 2_000; // after this a set that does not come is given up for one that is asked for since

export class TileRelay implements IDisposable {
  /**
   * @param make - Makes the tiles that a key names.
   * @param mixes - Whether new tiles may lie on old ones; those of a mask may
   * not, because they are transparent.
   * @param filter - How tiles of one key may stand in for those of another: a
   * filter of the canvas.
   */
  constructor(
    private readonly _make: (key: string) => TileCache,
    private readonly _mixes: boolean,
    private readonly _filter: (from: string, to: string) => string = () =>
      'none'
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._old?.dispose();
    this._now?.dispose();
  }

  /**
   * Use the tiles that `key` names from now on. While the last ones are on their way the newest wish waits: a slider that is dragged
   * asks for as many pictures as the server can give, and for the last one always.
   */
  show(key: string, view: Viewport): void {
    if (key === this._key) {
      this._next = null;
    } else if (this._isWaiting(view)) {
      this._next = key;
    } else {
      this._begin(key, view);
    }
  }

  /** Draw what is here. */
  draw(context: CanvasRenderingContext2D, view: Viewport): void {
    const now = this._now;
    if (now === null) {
      return;
    }
    const isComplete = now.isComplete(view);
    const wish = this._next ?? this._key;
    if (this._old !== null && !isComplete) {
      context.filter = this._filter(this._oldKey, wish);
      this._old.draw(context, view);
    }
    if (this._mixes || isComplete || this._old === null) {
      context.filter = this._filter(this._key, wish);
      now.draw(context, view);
    }
    context.filter = 'none';
    if (isComplete) {
      this._old?.dispose();
      this._old = null;
      if (this._next !== null) {
        this._begin(this._next, view);
      }
    }
  }

  /** Whether all in sight is as it was wished last. */
  isComplete(view: Viewport): boolean {
    return this._next === null && (this._now?.isComplete(view) ?? false);
  }

  lookAt(view: Viewport): void {
    this._now?.lookAt(view);
  }

  private _isWaiting(view: Viewport): boolean {
    return (
      this._now !== null &&
      this._old !== null &&
      performance.now() - this._begun < PATIENCE_MS &&
      !this._now.isComplete(view)
    );
  }

  private _begin(key: string, view: Viewport): void {
    this._next = null;
    if (this._old === null) {
      this._old = this._now;
      this._oldKey = this._key;
    } else {
      this._now?.dispose(); // it never came: what is seen stays what it was
    }
    this._key = key;
    this._begun = performance.now();
    this._now = this._make(key);
    this._now.lookAt(view);
  }

  private _old: TileCache | null = null;
  private _now: TileCache | null = null;
  private _key = '';
  private _oldKey = '';
  private _next: string | null = null;
  private _begun = 0;
  private _isDisposed = false;
}
