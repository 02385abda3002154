/** Finds out whether it is the login that keeps a page from its kernel, and when somebody has logged in again. */

import type { IDisposable } from '@lumino/disposable';

const EVERY_MS = 4000;

/** Asks while the kernel cannot be reached; tells when the answer is another. */
export class LoginWatch implements IDisposable {
  /**
   * @param isLoggedIn - Asks the server; fails where no server answers.
   */
  constructor(
    private readonly _isLoggedIn: () => Promise<boolean>,
    private readonly _onChange: (isLoggedIn: boolean) => void
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
  }

  /** Whether there is a reason to doubt. */
  set isDoubted(isDoubted: boolean) {
    if (isDoubted && !this._isDoubted) {
      void this.check();
    }
    this._isDoubted = isDoubted;
  }

  /** Ask now, and again while it is doubted or lost. */
  async check(): Promise<void> {
    window.clearTimeout(this._timer);
    try {
      const isLoggedIn = await this._isLoggedIn();
      if (isLoggedIn !== this._wasLoggedIn && !this._isDisposed) {
        this._wasLoggedIn = isLoggedIn;
        this._onChange(isLoggedIn);
      }
    } catch {
      // no server: nothing is known of the login
    }
    if ((this._isDoubted || !this._wasLoggedIn) && !this._isDisposed) {
      window.clearTimeout(this._timer);
      this._timer = window.setTimeout(() => void this.check(), EVERY_MS);
    }
  }

  private _timer = 0;
  private _isDoubted = false;
  private _wasLoggedIn = true;
  private _isDisposed = false;
}
