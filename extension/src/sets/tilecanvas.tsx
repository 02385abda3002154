/** One image with its tiles, chosen by mouse, pen, finger or keyboard. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ClassItem } from '../wire';
import { type ICell, type ICells, sorted, type TileGrid } from './grid';
import { paintGrid } from './painting';
import { partWord } from './words';

const PAGE_ROWS = 10;
const ORIGIN: ICell = { row: 0, column: 0 };

export interface ITileCanvasProps {
  readonly grid: TileGrid;
  readonly imageUrl: string;
  readonly classes: ReadonlyArray<ClassItem>;
  readonly widthPx: number;
  readonly trans: TranslationBundle;
  readonly onChoose: (next: TileGrid) => void;
}

export function TileCanvas(props: ITileCanvasProps): React.JSX.Element {
  const { classes, grid, trans, widthPx } = props;
  const { height_px, id, name, width_px } = grid.item;
  const scale = widthPx / width_px;
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const choice = useChoice(props);
  const { cursor, drag } = choice;
  const density = window.devicePixelRatio;
  React.useLayoutEffect(() => {
    if (canvas.current !== null) {
      const colours = new Map(classes.map(item => [item.id, item.colour]));
      paintGrid(canvas.current, { grid, scale, density, colours });
    }
  }, [grid, scale, density, classes]);

  const placeOf = (event: React.PointerEvent): ICell => {
    const box = event.currentTarget.getBoundingClientRect();
    const perPx = width_px / box.width;
    return grid.cellAt(
      (event.clientY - box.top) * perPx,
      (event.clientX - box.left) * perPx
    );
  };
  const words = cellWords(grid, cursor, classes, trans);
  const wordsId = `labkit-tiles-${id}`;
  return (
    <figure className="labkit-Tiles" aria-label={name}>
      <figcaption>
        <strong>{name}</strong>{' '}
        <span data-chosen={grid.count}>
          {trans.__('%1 of %2 tiles', grid.count, grid.size)}
          {grid.item.group !== '' && ` · ${grid.item.group}`}
        </span>
        <button
          type="button"
          className="labkit-Button"
          aria-label={trans.__('Choose all tiles of %1', name)}
          onClick={() => props.onChoose(grid.withAll(true))}
        >
          {trans.__('All')}
        </button>
        <button
          type="button"
          className="labkit-Button"
          aria-label={trans.__('Choose no tile of %1', name)}
          onClick={() => props.onChoose(grid.withAll(false))}
        >
          {trans.__('None')}
        </button>
      </figcaption>
      <div
        className="labkit-Tiles-picture"
        style={{ width: widthPx, height: height_px * scale }}
        role="application"
        aria-roledescription={trans.__('grid of tiles')}
        aria-label={trans.__('Tiles of %1', name)}
        aria-describedby={wordsId}
        tabIndex={0}
        title={words}
        onKeyDown={choice.onKey}
        onPointerDown={event => {
          if (event.button === 0) {
            event.currentTarget.setPointerCapture(event.pointerId);
            choice.press(placeOf(event), event.shiftKey);
          }
        }}
        onPointerMove={event => choice.move(placeOf(event))}
        onPointerUp={choice.lift}
        onPointerCancel={choice.forget}
      >
        <img src={props.imageUrl} alt="" draggable={false} />
        <canvas ref={canvas} aria-hidden="true" />
        <i
          className="labkit-Tiles-cursor"
          style={boxOf({ from: cursor, to: cursor }, grid, scale)}
        />
        {drag !== null && (
          <i className="labkit-Tiles-drag" style={boxOf(drag, grid, scale)} />
        )}
      </div>
      <p id={wordsId} className="labkit-Tiles-words" aria-live="polite">
        {words}
      </p>
    </figure>
  );
}

interface IChoice {
  readonly cursor: ICell;
  readonly drag: ICells | null;
  press(cell: ICell, isFurther: boolean): void;
  move(cell: ICell): void;
  lift(): void;
  forget(): void;
  onKey(event: React.KeyboardEvent): void;
}

/** Where somebody is, and the box of tiles that is being drawn. */
function useChoice({ grid, onChoose }: ITileCanvasProps): IChoice {
  const [place, setCursor] = React.useState<ICell>(ORIGIN);
  const [drag, setDrag] = React.useState<ICells | null>(null);
  const anchor = React.useRef<ICell>(ORIGIN);
  const cursor = grid.nearest(place); // the grid may have become smaller
  const isPressed = React.useRef(false);

  /** All tiles of a box become what its first tile was not; further ones what it is. */
  const take = (cells: ICells, isFurther: boolean): void => {
    const isChosen = grid.isChosen(grid.nearest(cells.from));
    onChoose(grid.with(cells, isFurther ? isChosen : !isChosen));
  };
  const press = (cell: ICell, isFurther: boolean): void => {
    setCursor(cell);
    if (isFurther) {
      take({ from: grid.nearest(anchor.current), to: cell }, true);
    } else {
      isPressed.current = true;
      anchor.current = cell;
      setDrag({ from: cell, to: cell });
    }
  };
  const move = (cell: ICell): void => {
    setCursor(cell);
    if (isPressed.current) {
      setDrag({ from: anchor.current, to: cell });
    }
  };
  const forget = (): void => {
    isPressed.current = false;
    setDrag(null);
  };
  const lift = (): void => {
    if (isPressed.current && drag !== null) {
      take(drag, false);
    }
    forget();
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const next = stepOf(event, cursor, grid);
    if (next !== null) {
      const cell = grid.nearest(next);
      setCursor(cell);
      const from = event.shiftKey ? (drag?.from ?? cursor) : cell;
      setDrag(event.shiftKey ? { from, to: cell } : null);
    } else if (event.key === ' ' || event.key === 'Enter') {
      const cells = drag ?? { from: cursor, to: cursor };
      anchor.current = cells.from;
      take(cells, false);
      setDrag(null);
    } else if (event.key === 'Escape' && drag !== null) {
      forget();
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      onChoose(grid.withAll(true));
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      onChoose(grid.with(drag ?? { from: cursor, to: cursor }, false));
      setDrag(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // JupyterLab has shortcuts of its own
  };
  return { cursor, drag, press, move, lift, forget, onKey };
}

/** Where a key leads to; null for other keys. */
function stepOf(
  { ctrlKey, key }: React.KeyboardEvent,
  { row, column }: ICell,
  grid: TileGrid
): ICell | null {
  switch (key) {
    case 'ArrowUp':
      return { row: row - 1, column };
    case 'ArrowDown':
      return { row: row + 1, column };
    case 'ArrowLeft':
      return { row, column: column - 1 };
    case 'ArrowRight':
      return { row, column: column + 1 };
    case 'PageUp':
      return { row: row - PAGE_ROWS, column };
    case 'PageDown':
      return { row: row + PAGE_ROWS, column };
    case 'Home':
      return { row: ctrlKey ? 0 : row, column: 0 };
    case 'End':
      return { row: ctrlKey ? grid.rows - 1 : row, column: grid.columns - 1 };
    default:
      return null;
  }
}

/** Cells as a box on the screen. */
function boxOf(
  cells: ICells,
  grid: TileGrid,
  scale: number
): React.CSSProperties {
  const { from, to } = sorted(cells);
  const side = grid.tilePx * scale;
  const { height_px, width_px } = grid.item;
  const right = Math.min((to.column + 1) * side, width_px * scale);
  const bottom = Math.min((to.row + 1) * side, height_px * scale);
  return {
    left: from.column * side,
    top: from.row * side,
    width: right - from.column * side,
    height: bottom - from.row * side
  };
}

/** A tile in words. */
function cellWords(
  grid: TileGrid,
  cell: ICell,
  classes: ReadonlyArray<ClassItem>,
  trans: TranslationBundle
): string {
  const index = grid.indexOf(cell);
  const ids = grid.classesAt(index);
  const names = classes
    .filter(item => ids.includes(item.id))
    .map(item => item.name);
  const part = grid.part(index);
  return [
    trans.__('Row %1, column %2', cell.row + 1, cell.column + 1),
    trans.__('%1 % annotated', grid.coverage(index)),
    names.length > 0 ? names.join(', ') : trans.__('no object'),
    part === null ? trans.__('in the gap') : partWord(part, trans),
    grid.isChosen(cell) ? trans.__('chosen') : trans.__('not chosen')
  ].join(' · ');
}
