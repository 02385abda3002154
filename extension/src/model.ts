/** What the Projects panel shows, kept apart from how it is drawn. */

import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import { type LabKitApi, RefusedError, ServerPartMissingError } from './api';
import type { NewProject, ProjectItem, ProjectList } from './wire';

const POLL_MS = 5_000;
const POLL_MAX_MS = 60_000;

/** Why the list could not be read. */
export type Trouble =
  | { readonly kind: 'no-server-part' }
  | { readonly kind: 'unreachable' }
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly hint: string;
    };

/** The last list that was read, if any, and what is wrong now, if anything. */
export interface IProjectsState {
  readonly list: ProjectList | null;
  readonly trouble: Trouble | null;
  readonly busy: boolean;
  /** Id of the project made last in this window. */
  readonly newest: string | null;
}

/** Reads the projects, again and again while somebody looks. */
export class ProjectsModel implements IDisposable {
  /**
   * @param isWatched - Whether somebody can see the list; nothing is polled
   * while not.
   */
  constructor(api: LabKitApi, isWatched: () => boolean) {
    this._api = api;
    this._poll = new Poll({
      auto: false,
      name: 'labkit-lab:projects',
      factory: () => this._load(true),
      frequency: { interval: POLL_MS, backoff: true, max: POLL_MAX_MS },
      standby: () => (isWatched() ? 'when-hidden' : true)
    });
  }

  get state(): IProjectsState {
    return this._state;
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  thumbnailUrl(project: ProjectItem, maxPx: number): string | null {
    return this._api.projects.thumbnailUrl(project, maxPx);
  }

  /** Somebody looks now: read at once, and then from time to time. */
  watch(): void {
    void this._poll.refresh();
  }

  /** Read now, because somebody asked. */
  async refresh(): Promise<void> {
    this._change({ busy: true });
    try {
      await this._load(false);
    } catch {
      // the state says what went wrong
    } finally {
      this._change({ busy: false });
    }
  }

  /** Make a project; throws what the server says against it. */
  async create(asked: NewProject): Promise<ProjectItem> {
    const project = await this._api.projects.createProject(asked);
    this._change({ newest: project.id });
    await this.refresh();
    return project;
  }

  private async _load(background: boolean): Promise<void> {
    const turn = ++this._turn;
    try {
      const list = await this._api.projects.listProjects(background);
      this._changeIfLatest(turn, { list, trouble: null });
    } catch (error) {
      this._changeIfLatest(turn, { trouble: troubleOf(error) });
      throw error; // so that the poll waits longer
    }
  }

  /** An answer that was overtaken by a later one says nothing. */
  private _changeIfLatest(turn: number, change: Partial<IProjectsState>): void {
    if (turn > this._shownTurn && !this.isDisposed) {
      this._shownTurn = turn;
      this._change(change);
    }
  }

  private _change(change: Partial<IProjectsState>): void {
    this._state = { ...this._state, ...change };
    this._stateChanged.emit();
  }

  private readonly _api: LabKitApi;
  private readonly _poll: Poll<void>;
  private readonly _stateChanged = new Signal<this, void>(this);
  private _state: IProjectsState = {
    list: null,
    trouble: null,
    busy: false,
    newest: null
  };
  private _turn = 0;
  private _shownTurn = 0;
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof RefusedError) {
    return { kind: 'refused', message: error.message, hint: error.hint };
  }
  const missing = error instanceof ServerPartMissingError;
  return { kind: missing ? 'no-server-part' : 'unreachable' };
}
