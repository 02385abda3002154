/** What the Course panel shows, kept apart from how it is drawn. */

import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import type { LabKitApi } from '../api';
import { type Trouble, troubleOf } from '../model';
import type {
  AssignmentEntry,
  CheckedReport,
  CourseWork,
  HistoryList,
  TestedReport,
  TrialReport
} from '../wire';

const POLL_MS = 30_000; // a whole class may be looking
const POLL_MAX_MS = 120_000;

/** How far a trial is. */
export interface ITrying {
  readonly done: number;
  readonly total: number;
  readonly stop: () => void;
}

/** How far the test with the solution is: in cells of its notebooks, and then in checks. */
export interface ITesting extends ITrying {
  readonly unit: string;
}

/** What is shown below one assignment. */
export interface IAside {
  readonly trying?: ITrying | null;
  readonly trial?: TrialReport | null;
  readonly history?: HistoryList | null;
  /** What is wrong with it, for who writes it. */
  readonly checked?: CheckedReport | null;
  /** What its own solution earned, and how far that is found out. */
  readonly tested?: TestedReport | null;
  readonly testing?: ITesting | null;
  /** What has just been done, in a sentence or a few. */
  readonly told?: readonly string[];
  /** What is being done. */
  readonly busy?: string;
}

/** The last list that was read, if any, and what is wrong now, if anything. */
export interface ICoursesState {
  readonly work: CourseWork | null;
  readonly trouble: Trouble | null;
  readonly busy: boolean;
}

const NOTHING: IAside = {};

/** Reads what there is to do, again and again while somebody looks. */
export class CoursesModel implements IDisposable {
  constructor(
    readonly api: LabKitApi,
    isWatched: () => boolean
  ) {
    this._poll = new Poll({
      auto: false,
      name: 'labkit-lab:courses',
      factory: () => this._load(true),
      frequency: { interval: POLL_MS, backoff: true, max: POLL_MAX_MS },
      standby: () => (isWatched() ? 'when-hidden' : true)
    });
  }

  get state(): ICoursesState {
    return this._state;
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** The server's clock, in milliseconds. */
  get now(): number {
    return Date.now() + this._clockAheadMs;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  /** Somebody looks now: read at once, and then from time to time. */
  watch(): void {
    void this._poll.refresh();
    void this._poll.start();
  }

  /** Read now, because somebody asked or did something. */
  async refresh(): Promise<void> {
    this._change({ busy: true });
    await this._load(false).catch(() => undefined); // the state says what went wrong
    this._change({ busy: false });
  }

  /** What is shown below one assignment. */
  aside(id: string): IAside {
    return this._asides.get(id) ?? NOTHING;
  }

  setAside(id: string, change: IAside): void {
    this._asides.set(id, { ...this.aside(id), ...change });
    this._stateChanged.emit();
  }

  /** The assignments that were fetched and ask for annotations, as long as something is accepted. */
  get annotating(): AssignmentEntry[] {
    const courses = this._state.work?.courses ?? [];
    return courses.flatMap(({ assignments }) =>
      assignments.filter(({ annotates, closed }) => annotates && !closed)
    );
  }

  /** The assignment in whose folder a file lies; null if it is in none. */
  entryAt(path: string): AssignmentEntry | null {
    const entries = (this._state.work?.courses ?? []).flatMap(
      ({ assignments }) => assignments
    );
    const holds = ({ folder }: AssignmentEntry): boolean =>
      folder !== null && path.startsWith(folder + '/');
    return entries.find(holds) ?? null;
  }

  private async _load(background: boolean): Promise<void> {
    const turn = ++this._turn;
    try {
      const work = await this.api.courses.readCourses(background);
      if (turn > this._shownTurn && !this.isDisposed) {
        this._shownTurn = turn;
        this._take(work);
      }
    } catch (error) {
      if (turn > this._shownTurn && !this.isDisposed) {
        this._shownTurn = turn;
        this._change({ trouble: troubleOf(error) });
      }
      throw error; // so that the poll waits longer
    }
  }

  private _take(work: CourseWork): void {
    this._clockAheadMs = Date.parse(work.now) - Date.now();
    const { problem, hint } = work;
    if (problem === '') {
      this._change({ work, trouble: null });
      return;
    }
    // the hub is away: what it said last is better than nothing
    const known = this._state.work?.hub ? this._state.work : work;
    const trouble = { kind: 'refused', message: problem, hint } as const;
    this._change({ work: known, trouble });
  }

  private _change(change: Partial<ICoursesState>): void {
    this._state = { ...this._state, ...change };
    this._stateChanged.emit();
  }

  private readonly _poll: Poll<void>;
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _asides = new Map<string, IAside>();
  private _state: ICoursesState = { work: null, trouble: null, busy: false };
  private _clockAheadMs = 0;
  private _turn = 0;
  private _shownTurn = 0;
}
