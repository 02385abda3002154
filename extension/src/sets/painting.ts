/** Draws a grid of tiles over a picture. */

import type { TileGrid } from './grid';
import { PART_LETTERS } from './words';

/**
 * Five steps of "cividis", which eyes with any colour vision read as from little
 * to much: Nuñez, Anderton and Renslow, PLoS ONE 13(7), 2018.
 */
export const COVERAGE_COLOURS = [
  '#00224e',
  '#434e6c',
  '#7d7c78',
  '#bcae6c',
  '#fee838'
] as const;

const SEEN_THROUGH = 0.45; // how much of the picture a tile hides
const MIN_FRAME_PX = 9; // smaller tiles have no room for a frame
const MIN_LETTER_PX = 18;
const MIN_NUMBER_PX = 44;
const DASHES: Readonly<Record<string, number[]>> = {
  train: [],
  val: [9, 5],
  test: [2, 4]
};

export function coverageColour(percent: number): string {
  const last = COVERAGE_COLOURS.length - 1;
  return (
    COVERAGE_COLOURS[Math.round((last * percent) / 100)] ?? COVERAGE_COLOURS[0]
  );
}

export interface IPaintWish {
  readonly grid: TileGrid;
  /** Pixels of the screen for one of the image. */
  readonly scale: number;
  readonly density: number;
  /** Colours of classes by id. */
  readonly colours: ReadonlyMap<number, string>;
}

/** Paint everything that does not follow the pointer. */
export function paintGrid(canvas: HTMLCanvasElement, wish: IPaintWish): void {
  const { density, grid, scale } = wish;
  const { height_px, width_px } = grid.item;
  canvas.width = Math.round(width_px * scale * density);
  canvas.height = Math.round(height_px * scale * density);
  const context = canvas.getContext('2d');
  if (context === null) {
    return;
  }
  const pen = new Pen(context, wish);
  pen.tiles();
  pen.gaps();
  pen.boxes();
}

class Pen {
  constructor(
    private readonly _context: CanvasRenderingContext2D,
    private readonly _wish: IPaintWish
  ) {
    this._perPx = _wish.scale * _wish.density;
    this._sidePx = _wish.grid.tilePx * _wish.scale;
  }

  tiles(): void {
    const { grid } = this._wish;
    for (let row = 0; row < grid.rows; row++) {
      for (let column = 0; column < grid.columns; column++) {
        this._tile(row, column);
      }
    }
  }

  /** Hatch what no part gets. */
  gaps(): void {
    const { grid } = this._wish;
    const context = this._context;
    const { height, width } = context.canvas;
    if (grid.item.boxes.length === 0) {
      return;
    }
    const outside = new Path2D();
    outside.rect(0, 0, width, height);
    for (const box of grid.item.boxes) {
      outside.rect(...this._rect(box));
    }
    context.save();
    context.clip(outside, 'evenodd');
    context.fillStyle = 'rgb(0 0 0 / 55%)';
    context.fillRect(0, 0, width, height);
    context.strokeStyle = '#fff';
    context.lineWidth = this._line(1);
    context.beginPath();
    for (let x = -height; x < width; x += this._line(7)) {
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
    }
    context.stroke();
    context.restore();
  }

  /** Outline the parts: white on black is seen on every picture, and the pattern says which. */
  boxes(): void {
    const context = this._context;
    for (const box of this._wish.grid.item.boxes) {
      const [x, y, width, height] = this._rect(box);
      const inset = this._line(1.5);
      const frame = [
        x + inset,
        y + inset,
        Math.max(width - 2 * inset, 1),
        Math.max(height - 2 * inset, 1)
      ] as const;
      context.setLineDash([]);
      context.strokeStyle = '#000';
      context.lineWidth = this._line(3);
      context.strokeRect(...frame);
      context.setLineDash(
        (DASHES[box.part] ?? []).map(part => this._line(part))
      );
      context.strokeStyle = '#fff';
      context.lineWidth = this._line(2);
      context.strokeRect(...frame);
    }
    context.setLineDash([]);
  }

  private _tile(row: number, column: number): void {
    const { grid } = this._wish;
    const context = this._context;
    const index = grid.indexOf({ row, column });
    const percent = grid.coverage(index);
    const isChosen = grid.chosen[index] === '1';
    const [x, y, width, height] = this._cell(row, column);
    context.globalAlpha = SEEN_THROUGH;
    context.fillStyle = coverageColour(percent);
    context.fillRect(x, y, width, height);
    if (!isChosen) {
      context.globalAlpha = 0.5;
      context.fillStyle = '#000';
      context.fillRect(x, y, width, height);
    }
    context.globalAlpha = 1;
    const side = this._sidePx;
    if (side >= MIN_FRAME_PX) {
      this._frame(x, y, width, height, isChosen);
    }
    if (side >= MIN_LETTER_PX) {
      const part = grid.part(index);
      const letter = part === null ? '' : PART_LETTERS[part];
      const number = side >= MIN_NUMBER_PX ? ` ${percent}` : '';
      this._text(letter + number, x + this._line(5), y + this._line(4));
      this._dots(grid.classesAt(index), x, y + height, width);
    }
  }

  private _frame(
    x: number,
    y: number,
    width: number,
    height: number,
    isChosen: boolean
  ): void {
    const context = this._context;
    const line = this._line(1);
    context.lineWidth = line;
    context.strokeStyle = `rgb(255 255 255 / ${isChosen ? 50 : 20}%)`;
    context.strokeRect(
      x + line / 2,
      y + line / 2,
      Math.max(width - line, 0),
      Math.max(height - line, 0)
    );
  }

  private _text(text: string, x: number, y: number): void {
    const context = this._context;
    context.font = `600 ${this._line(11)}px sans-serif`;
    context.textBaseline = 'top';
    context.lineJoin = 'round';
    context.lineWidth = this._line(3);
    context.strokeStyle = '#000';
    context.strokeText(text, x, y);
    context.fillStyle = '#fff';
    context.fillText(text, x, y);
  }

  /** A dot for each class, as many as fit. */
  private _dots(
    ids: ReadonlyArray<number>,
    x: number,
    bottom: number,
    width: number
  ): void {
    const context = this._context;
    const radius = this._line(2.5);
    const step = 3 * radius;
    const room = Math.floor((width - step) / step);
    ids.slice(0, Math.max(room, 0)).forEach((id, k) => {
      context.beginPath();
      context.arc(x + step * (k + 1), bottom - step, radius, 0, 2 * Math.PI);
      context.fillStyle = this._wish.colours.get(id) ?? '#fff';
      context.fill();
      context.lineWidth = this._line(1);
      context.strokeStyle = '#000';
      context.stroke();
    });
  }

  /** A tile in whole pixels of the canvas; the last ones end with the picture. */
  private _cell(row: number, column: number): [number, number, number, number] {
    const { grid } = this._wish;
    const { height_px, width_px } = grid.item;
    return this._rect({
      y0: row * grid.tilePx,
      x0: column * grid.tilePx,
      y1: Math.min((row + 1) * grid.tilePx, height_px),
      x1: Math.min((column + 1) * grid.tilePx, width_px)
    });
  }

  private _rect(box: {
    readonly y0: number;
    readonly x0: number;
    readonly y1: number;
    readonly x1: number;
  }): [number, number, number, number] {
    const [x0, y0, x1, y1] = [box.x0, box.y0, box.x1, box.y1].map(value =>
      Math.round(value * this._perPx)
    ) as [number, number, number, number];
    return [x0, y0, x1 - x0, y1 - y0];
  }

  /** A length of the screen in pixels of the canvas. */
  private _line(px: number): number {
    return px * this._wish.density;
  }

  private readonly _perPx: number;
  private readonly _sidePx: number;
}
