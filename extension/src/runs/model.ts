/** What the Runs view knows: the list, the run that is looked at, and what somebody does with them. */

import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IRunName, type LabKitApi } from '../api';
import type { RunItem, RunList } from '../wire';
import { RunFollower } from './follower';

const POLL_MS = 2_000;
const POLL_MAX_MS = 4_000; // after a lost connection the list is at most so old

/** Reads the list while somebody looks, and follows the chosen run. */
export class RunsModel implements IDisposable {
  constructor(
    readonly api: LabKitApi,
    readonly projectId: string,
    isWatched: () => boolean
  ) {
    this._isWatched = isWatched;
    this._poll = new Poll({
      auto: false,
      name: `labkit-lab:runs-${projectId}`,
      factory: () => this._load(true),
      frequency: { interval: POLL_MS, backoff: true, max: POLL_MAX_MS },
      standby: () => (isWatched() ? 'when-hidden' : true)
    });
  }

  /** Anything that is shown has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A run came into another state. */
  get stateTold(): ISignal<this, RunItem> {
    return this._stateTold;
  }

  get list(): RunList | null {
    return this._list;
  }

  /** Why the list could not be read the last time. */
  get error(): unknown {
    return this._error;
  }

  /** The server's clock minus ours. */
  get clockAheadMs(): number {
    return this._clockAheadMs;
  }

  get follower(): RunFollower | null {
    return this._follower;
  }

  get chosen(): string | null {
    return this._follower?.run.runId ?? null;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._follower?.dispose();
    this._poll.dispose();
    Signal.clearData(this);
  }

  /** Somebody looks now: read at once, and then from time to time. */
  watch(): void {
    void this._poll.refresh();
    void this._poll.start();
    this._follower?.ask();
  }

  /** Read the list, because somebody asked or did something. */
  async refresh(): Promise<void> {
    this._follower?.ask();
    await this._load(false).catch(() => undefined); // `error` says it
  }

  /** Look at a run. */
  choose(runId: string): void {
    if (runId === this.chosen) {
      return;
    }
    this._follower?.dispose();
    this._follower = new RunFollower(
      this.api,
      this.nameOf(runId),
      this._isWatched
    );
    this._follower.changed.connect(this._note, this);
    this._changed.emit();
  }

  nameOf(runId: string): IRunName {
    return { projectId: this.projectId, runId };
  }

  /** Do something with a run, and show what became of it. */
  async change(
    run: RunItem,
    how: 'cancel' | 'retry' | 'resume'
  ): Promise<void> {
    const after = await this.api.runs.changeRun(this.nameOf(run.id), how);
    await this.refresh();
    if (how !== 'cancel') {
      this.choose(after.id);
    }
  }

  async move(run: RunItem, place: number): Promise<void> {
    await this.api.runs.moveRun(this.nameOf(run.id), { place });
    await this.refresh();
  }

  private async _load(background: boolean): Promise<void> {
    const turn = ++this._turn;
    try {
      const list = await this.api.runs.listRuns(this.projectId, background);
      if (turn < this._shownTurn || this.isDisposed) {
        return; // overtaken by a later answer
      }
      this._shownTurn = turn;
      this._tellStates(list);
      this._list = list;
      this._clockAheadMs = Date.parse(list.now) - Date.now();
      this._error = null;
      const [newest] = list.runs;
      if (this.chosen === null && newest !== undefined) {
        this.choose(newest.id);
      }
      this._changed.emit();
    } catch (error) {
      if (!this.isDisposed) {
        this._error = error;
        this._changed.emit();
      }
      throw error; // so that the poll waits longer
    }
  }

  private _tellStates(list: RunList): void {
    const before = new Map(this._list?.runs.map(run => [run.id, run.state]));
    for (const run of list.runs) {
      if (this._list !== null && before.get(run.id) !== run.state) {
        this._stateTold.emit(run);
      }
    }
  }

  /** The chosen run is known sooner than the list. */
  private _note(): void {
    const latest = this._follower?.story?.latest.run;
    const listed = this._list?.runs.find(run => run.id === latest?.id);
    if (latest !== undefined && listed?.state !== latest.state) {
      void this._load(true).catch(() => undefined);
    }
    this._changed.emit();
  }

  private readonly _poll: Poll<void>;
  private readonly _isWatched: () => boolean;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _stateTold = new Signal<this, RunItem>(this);
  private _list: RunList | null = null;
  private _error: unknown = null;
  private _clockAheadMs = 0;
  private _follower: RunFollower | null = null;
  private _turn = 0;
  private _shownTurn = 0;
}
