/** What somebody wishes of a training set: every field has a value, so that a form can show it. */

import type { SetAsk, SetItem, SplitWish, TileWish } from '../wire';

export type Split = Required<SplitWish>;
export type Tiles = Required<TileWish>;
export type SplitKind = Split['kind'];
export type RuleKind = Tiles['kind'];

export interface IWish {
  readonly name: string;
  /** None means all that the author has annotated. */
  readonly images: ReadonlyArray<string>;
  readonly author: string | null;
  readonly chip_px: number;
  readonly split: Split;
  readonly tiles: Tiles;
}

export const FIRST_WISH: IWish = {
  name: 'training',
  images: [],
  author: null,
  chip_px: 128,
  split: {
    kind: 'auto',
    train: 0.6,
    val: 0.2,
    test: 0.2,
    gap_px: 32,
    seed: 0,
    block_px: null,
    group: ''
  },
  tiles: {
    tile_px: 256,
    kind: 'all',
    min_coverage: 0.5,
    classes: [],
    count: null,
    chosen: {}
  }
};

/** A wish as a server knows it, with what it leaves out. */
export function completeWish(asked: SetAsk): IWish {
  return {
    ...FIRST_WISH,
    ...asked,
    split: { ...FIRST_WISH.split, ...asked.split },
    tiles: { ...FIRST_WISH.tiles, ...asked.tiles }
  };
}

/**
 * What is sent of a wish: only the fields that its kinds look at, so that what
 * was set for another kind is not refused.
 */
export function askOf(wish: IWish): SetAsk {
  const { split, tiles } = wish;
  const asked: TileWish = { tile_px: tiles.tile_px, kind: tiles.kind };
  return {
    ...wish,
    name: wish.name.trim() || FIRST_WISH.name,
    split: {
      ...split,
      block_px: split.kind === 'blocks' ? split.block_px : null,
      group: split.kind === 'groups' ? split.group : ''
    },
    tiles: {
      ...asked,
      ...(tiles.kind === 'annotated' && { min_coverage: tiles.min_coverage }),
      ...(tiles.kind === 'classes' && { classes: tiles.classes }),
      ...(tiles.kind === 'number' && { count: tiles.count }),
      ...(tiles.kind === 'hand' && { chosen: tiles.chosen })
    }
  };
}

/** The shares with another val or test; train gets what is left, and is never empty. */
export function withShare(
  split: Split,
  part: 'val' | 'test',
  share: number
): Split {
  const other = part === 'val' ? split.test : split.val;
  const most = Math.max(0, 0.99 - other);
  const own = round(Math.min(Math.max(share, 0), most));
  return { ...split, [part]: own, train: round(1 - own - other) };
}

function round(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}

/** What was wished for one project, kept through a reload of the page. */
export class WishMemory {
  constructor(projectId: string) {
    this._key = `labkit-set-wish:${projectId}`;
  }

  load(): IWish {
    try {
      const kept = JSON.parse(localStorage.getItem(this._key) ?? 'null');
      return kept === null ? FIRST_WISH : completeWish(kept as SetAsk);
    } catch {
      return FIRST_WISH;
    }
  }

  save(wish: IWish): void {
    try {
      localStorage.setItem(this._key, JSON.stringify(wish));
    } catch {
      // full or forbidden: the wish lives as long as its tab
    }
  }

  private readonly _key: string;
}

/** Chips of each part, in words. */
export function chipsOf(set: SetItem): string {
  return set.parts.map(part => part.chips.toLocaleString()).join(' / ');
}
