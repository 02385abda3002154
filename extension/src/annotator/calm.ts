/** Things that may lag a little behind the hand, so that they take no time from what must not. */

import type { IDisposable } from '@lumino/disposable';

const LAG_MS = 80;

/** Does something soon after it was asked for; asked again before, it is done once. */
export class Calm implements IDisposable {
  constructor(
    private readonly _action: () => void,
    private readonly _lagMs = LAG_MS
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
  }

  ask(): void {
    if (this._timer === 0 && !this._isDisposed) {
      this._timer = window.setTimeout(() => {
        this._timer = 0;
        this._action();
      }, this._lagMs);
    }
  }

  private _timer = 0;
  private _isDisposed = false;
}
