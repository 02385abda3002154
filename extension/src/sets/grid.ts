/** The tiles over one image: what is known of each, and which are chosen. Knows nothing of how it is drawn. */

import type { PlannedItem } from '../wire';

export type PartName = 'train' | 'val' | 'test';

/** A place in a grid. */
export interface ICell {
  readonly row: number;
  readonly column: number;
}

/** Cells from the one to the other corner, both included. */
export interface ICells {
  readonly from: ICell;
  readonly to: ICell;
}

const PARTS: Readonly<Record<string, PartName>> = {
  t: 'train',
  v: 'val',
  e: 'test'
};

/** A grid of tiles, row by row; a change of the choice is a new grid. */
export class TileGrid {
  constructor(
    readonly item: PlannedItem,
    readonly tilePx: number,
    /** A text of 1 and 0. */
    readonly chosen: string = item.chosen
  ) {}

  get rows(): number {
    return this.item.rows;
  }

  get columns(): number {
    return this.item.columns;
  }

  get size(): number {
    return this.rows * this.columns;
  }

  /** How many tiles are chosen. */
  get count(): number {
    let count = 0;
    for (let k = 0; k < this.chosen.length; k++) {
      count += Number(this.chosen[k] === '1');
    }
    return count;
  }

  indexOf({ row, column }: ICell): number {
    return row * this.columns + column;
  }

  isChosen(cell: ICell): boolean {
    return this.chosen[this.indexOf(cell)] === '1';
  }

  /** Percent of a tile that is annotated. */
  coverage(index: number): number {
    return parseInt(this.item.coverage.slice(2 * index, 2 * index + 2), 16);
  }

  /** The part that most of a tile falls into; null in a gap. */
  part(index: number): PartName | null {
    return PARTS[this.item.parts[index] ?? '-'] ?? null;
  }

  /** Ids of the classes that occur in a tile. */
  classesAt(index: number): number[] {
    return Object.entries(this.item.classes)
      .filter(([, tiles]) => tiles[index] === '1')
      .map(([id]) => Number(id));
  }

  /** The grid with the cells chosen, or not. */
  with(cells: ICells, isChosen: boolean): TileGrid {
    const { from, to } = sorted(cells);
    const next = [...this.chosen];
    for (let row = from.row; row <= to.row; row++) {
      for (let column = from.column; column <= to.column; column++) {
        next[this.indexOf({ row, column })] = isChosen ? '1' : '0';
      }
    }
    return new TileGrid(this.item, this.tilePx, next.join(''));
  }

  withAll(isChosen: boolean): TileGrid {
    const text = (isChosen ? '1' : '0').repeat(this.size);
    return new TileGrid(this.item, this.tilePx, text);
  }

  /** The cell at a place in pixels of the image, or the nearest one. */
  cellAt(y: number, x: number): ICell {
    return this.nearest({
      row: Math.floor(y / this.tilePx),
      column: Math.floor(x / this.tilePx)
    });
  }

  nearest({ row, column }: ICell): ICell {
    return {
      row: Math.min(Math.max(row, 0), this.rows - 1),
      column: Math.min(Math.max(column, 0), this.columns - 1)
    };
  }
}

/** The same cells, from the top left to the bottom right. */
export function sorted({ from, to }: ICells): ICells {
  return {
    from: {
      row: Math.min(from.row, to.row),
      column: Math.min(from.column, to.column)
    },
    to: {
      row: Math.max(from.row, to.row),
      column: Math.max(from.column, to.column)
    }
  };
}

/** A choice for tiles of another size: a tile is chosen if the old one in its middle was. */
export function regridded(grid: TileGrid, tilePx: number): string {
  const { height_px, width_px } = grid.item;
  const rows = Math.ceil(height_px / tilePx);
  const columns = Math.ceil(width_px / tilePx);
  const middle = (k: number, end: number): number =>
    (k * tilePx + Math.min((k + 1) * tilePx, end)) / 2;
  let text = '';
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const cell = grid.cellAt(
        middle(row, height_px),
        middle(column, width_px)
      );
      text += grid.isChosen(cell) ? '1' : '0';
    }
  }
  return text;
}
