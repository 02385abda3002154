/** Follows one run: asks for what is new and is answered as soon as there is something. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IRunName, type LabKitApi, RefusedError } from '../api';
import type { StoryItem } from '../wire';
import { type Curves, grown } from './curves';
import { hasEnded } from './words';

const WAIT_S = 20;
const BETWEEN_MS = 300; // events come several in a second
const AFTER_END_MS = 10_000; // somebody may remove it, or use its model
const FIRST_TRY_MS = 500;
const LAST_TRY_MS = 4_000; // after a lost connection what is shown is at most so old

/** What is known of a run. */
export interface IStory {
  readonly latest: StoryItem;
  readonly curves: Curves;
  /** The server's clock minus ours. */
  readonly clockAheadMs: number;
}

/** Why nothing is heard: the server does not answer, or says no. */
export interface ISilence {
  readonly words: readonly [message: string, hint: string] | null;
}

export class RunFollower implements IDisposable {
  constructor(
    private readonly _api: LabKitApi,
    readonly run: IRunName,
    private readonly _isWatched: () => boolean
  ) {
    window.addEventListener('online', this._wake);
    document.addEventListener('visibilitychange', this._wake);
    void this._follow();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get story(): IStory | null {
    return this._story;
  }

  /** Null while all is well. */
  get silence(): ISilence | null {
    return this._silence;
  }

  get isDisposed(): boolean {
    return this._stop.signal.aborted;
  }

  dispose(): void {
    window.removeEventListener('online', this._wake);
    document.removeEventListener('visibilitychange', this._wake);
    this._stop.abort();
    this._wake();
    Signal.clearData(this);
  }

  /** Somebody looks, or has just done something: ask now. */
  ask(): void {
    this._wake();
  }

  private async _follow(): Promise<void> {
    let pause = FIRST_TRY_MS;
    while (!this.isDisposed) {
      if (!this._isWatched() || document.hidden) {
        await this._sleep(null);
        continue;
      }
      try {
        await this._read();
        pause = FIRST_TRY_MS;
        const state = this._story?.latest.run.state;
        const ended = state !== undefined && hasEnded(state);
        await this._sleep(ended ? AFTER_END_MS : BETWEEN_MS);
      } catch (error) {
        this._fallSilent(error);
        await this._sleep(pause);
        pause = Math.min(pause * 1.6, LAST_TRY_MS);
      }
    }
  }

  private async _read(): Promise<void> {
    const known = this._silence === null ? this._story : null;
    const since = this._story?.latest.seq ?? 0;
    // the first answer, and the first one after a silence, must not wait
    const isOpen = known !== null && !hasEnded(known.latest.run.state);
    const standing = known?.latest.standing ?? '';
    const asked = { since, standing, wait_s: isOpen ? WAIT_S : 0 };
    const latest = await this._api.runs.readStory(
      this.run,
      asked,
      this._stop.signal
    );
    if (this.isDisposed) {
      return;
    }
    const before =
      latest.since > 0 ? (this._story?.curves ?? new Map()) : new Map();
    this._story = {
      latest,
      curves: grown(before, latest.curves),
      clockAheadMs: Date.parse(latest.now) - Date.now()
    };
    this._silence = null;
    this._changed.emit();
  }

  private _fallSilent(error: unknown): void {
    if (!this.isDisposed) {
      const words =
        error instanceof RefusedError
          ? ([error.message, error.hint] as const)
          : null;
      this._silence = { words };
      this._changed.emit();
    }
  }

  /** Wait so long, or until somebody wakes us; null is for ever. */
  private async _sleep(ms: number | null): Promise<void> {
    let timer = 0;
    await new Promise<void>(resolve => {
      this._resolve = resolve;
      if (ms !== null) {
        timer = window.setTimeout(resolve, ms);
      }
    });
    window.clearTimeout(timer);
  }

  private readonly _wake = (): void => this._resolve();
  private readonly _stop = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
  private _resolve: () => void = () => undefined;
  private _story: IStory | null = null;
  private _silence: ISilence | null = null;
}
