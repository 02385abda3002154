/** The builder without how it looks: a wish, what the server says would come of it, and work under way. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';

import type { LabKitApi } from '../api';
import { finishJob } from '../quality/jobs';
import { errorWords } from '../quality/words';
import type { PlanReport, SetItem } from '../wire';
import { regridded, TileGrid } from './grid';
import { askOf, type IWish, type Split, type Tiles, WishMemory } from './wish';

const SETTLED_MS = 350; // after the last change: a drag or a typed number is one question

export type Step = readonly [done: number, total: number];
export type Words = readonly [message: string, hint: string];

/** Everything that a view needs. */
export interface IBuilderState {
  readonly wish: IWish;
  /** The last plan that came; it may be older than the wish. */
  readonly plan: PlanReport | null;
  readonly grids: ReadonlyArray<TileGrid>;
  /** The plan is that of the wish. */
  readonly isCurrent: boolean;
  /** How far the plan is; null when none is being made. */
  readonly planning: Step | null;
  /** How far the set is; null when none is being built. */
  readonly building: Step | null;
  readonly error: Words | null;
}

/** Asks for a plan after each change, and builds. */
export class BuilderModel {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _projectId: string,
    private readonly _trans: TranslationBundle
  ) {
    this._memory = new WishMemory(_projectId);
    this._state = {
      wish: this._memory.load(),
      plan: null,
      grids: [],
      isCurrent: false,
      planning: null,
      building: null,
      error: null
    };
  }

  get state(): IBuilderState {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Somebody wishes something else. */
  change(part: Partial<IWish>): void {
    const wish = { ...this._state.wish, ...part };
    this._memory.save(wish);
    if (Object.keys(part).every(key => key === 'name')) {
      this._set({ wish }); // a name changes nothing of what would be in it
      return;
    }
    this._set({ wish, isCurrent: false });
    this._planSoon();
  }

  changeSplit(part: Partial<Split>): void {
    this.change({ split: { ...this._state.wish.split, ...part } });
  }

  /** Another rule; a choice by hand begins with what is chosen now, and is carried over to tiles of another size. */
  changeTiles(part: Partial<Tiles>): void {
    const { grids, wish } = this._state;
    const tiles = { ...wish.tiles, ...part };
    const isResized = part.tile_px !== undefined;
    if (tiles.kind === 'hand' && (isResized || part.kind === 'hand')) {
      const carried = grids.map(grid => [
        grid.item.id,
        isResized ? regridded(grid, tiles.tile_px) : grid.chosen
      ]);
      const kept = isResized ? {} : wish.tiles.chosen;
      tiles.chosen = { ...kept, ...Object.fromEntries(carried) };
    }
    this.change({ tiles });
  }

  /** Tiles of an image were chosen by hand; seen at once, planned a moment later. */
  choose(next: TileGrid): void {
    const { wish } = this._state;
    const grids = this._state.grids.map(grid =>
      grid.item.id === next.item.id ? next : grid
    );
    this._set({ grids });
    const chosen = {
      ...wish.tiles.chosen,
      ...Object.fromEntries(grids.map(grid => [grid.item.id, grid.chosen]))
    };
    this.change({ tiles: { ...wish.tiles, kind: 'hand', chosen } });
  }

  /** Ask now what would come of the wish; an older question is given up. */
  async plan(): Promise<void> {
    this._forgetPlan();
    const own = new AbortController();
    this._asking = own;
    const ifOwn = (part: Partial<IBuilderState>): void => {
      if (this._asking === own) {
        this._set(part);
      }
    };
    this._set({ planning: [0, 0], error: null });
    const { wish } = this._state;
    try {
      const job = await finishJob(
        this._api,
        this._api.sets.planSet(this._projectId, askOf(wish)),
        (done, total) => ifOwn({ planning: [done, total] }),
        own.signal
      );
      const plan = job.planned;
      if (plan !== null) {
        const tilePx = wish.tiles.tile_px;
        const grids = plan.images.map(item => new TileGrid(item, tilePx));
        ifOwn({ plan, grids, isCurrent: true });
      }
    } catch (error) {
      ifOwn({ error: errorWords(error, this._trans) });
    }
    ifOwn({ planning: null });
  }

  /** Give up the plan that is being made. */
  stopPlanning(): void {
    window.clearTimeout(this._timer);
    this._asking?.abort();
    if (this._asking === null) {
      this._set({ planning: null });
    }
  }

  /** Build the set; null if that failed or was cancelled. */
  async build(): Promise<SetItem | null> {
    const own = new AbortController();
    this._buildingStop = own;
    this._set({ building: [0, 0], error: null });
    let built: SetItem | null = null;
    try {
      const job = await finishJob(
        this._api,
        this._api.sets.buildSet(this._projectId, askOf(this._state.wish)),
        (done, total) => this._set({ building: [done, total] }),
        own.signal
      );
      built = job.built;
    } catch (error) {
      this._set({ error: errorWords(error, this._trans) });
    }
    this._set({ building: null });
    return built;
  }

  stopBuilding(): void {
    this._buildingStop?.abort();
  }

  /** Ask no more; a set that is being built goes on. */
  dispose(): void {
    this._isDisposed = true;
    this._forgetPlan();
    Signal.clearData(this);
  }

  private _planSoon(): void {
    this._forgetPlan();
    this._set({ planning: [0, 0], error: null });
    this._timer = window.setTimeout(() => void this.plan(), SETTLED_MS);
  }

  private _forgetPlan(): void {
    window.clearTimeout(this._timer);
    this._asking?.abort();
    this._asking = null;
  }

  private _set(part: Partial<IBuilderState>): void {
    if (!this._isDisposed) {
      this._state = { ...this._state, ...part };
      this._changed.emit();
    }
  }

  private _state: IBuilderState;
  private readonly _memory: WishMemory;
  private readonly _changed = new Signal<this, void>(this);
  private _asking: AbortController | null = null;
  private _buildingStop: AbortController | null = null;
  private _timer = 0;
  private _isDisposed = false;
}
