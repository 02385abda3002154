/** When a gesture is whole, by the rules of the kernel's tools, and what shows meanwhile. */

import type { Place, ToolName } from './protocol';

const CODES = { down: 0, move: 1, up: 2, double: 3, key: 4 } as const;
const COLUMNS = 4;

export const SHIFT = 1;
export const CTRL = 2;
export const ALT = 4;

/** What the hand did, at a place of the picture. */
export interface IHandEvent {
  readonly kind: keyof typeof CODES;
  readonly y: number;
  readonly x: number;
  /** Sum of SHIFT, CTRL and ALT. */
  readonly modifiers: number;
  readonly key?: string;
}

/** What is shown of a gesture before the kernel has made an object of it. */
export type Preview =
  | {
      readonly kind: 'line';
      readonly path: ReadonlyArray<Place>;
      readonly closed: boolean;
    }
  | {
      readonly kind: 'box' | 'ellipse' | 'frame' | 'wait';
      readonly corners: Corners;
    }
  | { readonly kind: 'shift'; readonly dy: number; readonly dx: number }
  | { readonly kind: 'grip'; readonly from: Place; readonly to: Place }
  | {
      readonly kind: 'stroke';
      readonly path: ReadonlyArray<Place>;
      readonly erases: boolean;
    };

export type Corners = readonly [Place, Place];

/** What became of an event: the gesture goes on, is whole and worth sending, or came to nothing. */
export type Progress = 'open' | 'whole' | 'nothing';

/** Follows one gesture of one tool from its first event to its last. */
export class Gesture {
  /**
   * @param reach - How far a hand may miss, in pixels of the picture.
   * @param drags - Whether the place where a "select" begins moves what is
   * chosen, instead of drawing a frame.
   */
  constructor(
    readonly tool: ToolName,
    private readonly _reach: () => number,
    private readonly _drags: (place: Place) => boolean
  ) {}

  /** Whether something would be lost by giving up. */
  get isOpen(): boolean {
    return this._path.length > 0;
  }

  get isHeld(): boolean {
    return this._heldFrom !== null;
  }

  /** Forget what was done since the button went down; earlier vertices of a polygon stay. */
  takeBack(): void {
    this._events.length = this._mark.events;
    this._path.length = this._mark.path;
    this._heldFrom = null;
  }

  /** Take an event, and say what became of the gesture. */
  feed(event: IHandEvent): Progress {
    this._hover = [event.y, event.x];
    if (event.kind === 'down') {
      const { length } = this._events;
      this._mark = { events: length, path: this._path.length };
    }
    return this.tool === 'polygon' ? this._polygon(event) : this._drag(event);
  }

  get preview(): Preview | null {
    const [start] = this._path;
    const end = this._hover;
    if (start === undefined || end === null) {
      return null;
    }
    switch (this.tool) {
      case 'polygon':
        return {
          kind: 'line',
          path: this._isWhole ? this._path : [...this._path, end],
          closed: this._isWhole
        };
      case 'split':
        return { kind: 'line', path: this._path, closed: false };
      case 'box':
      case 'ellipse':
        return { kind: this.tool, corners: this._corners(start, end) };
      case 'brush':
      case 'eraser':
        return {
          kind: 'stroke',
          path: this._path,
          erases: this.tool === 'eraser'
        };
      case 'select':
        return this._moves
          ? { kind: 'shift', dy: end[0] - start[0], dx: end[1] - start[1] }
          : { kind: 'frame', corners: [start, end] };
      case 'assist':
        return {
          kind: this._isWhole ? 'wait' : 'frame',
          corners: [start, end]
        };
      case 'edit':
        return { kind: 'grip', from: start, to: end };
      case 'point':
        return null;
    }
  }

  /** Names of the keys that were pressed, in order. */
  get keys(): string[] {
    return this._events.flatMap(event => event.key ?? []);
  }

  /** The events as rows of (code, y, x, modifiers). */
  pack(): Float64Array<ArrayBuffer> {
    const rows = new Float64Array(COLUMNS * this._events.length);
    this._events.forEach((event, k) => {
      const row = [CODES[event.kind], event.y, event.x, event.modifiers];
      rows.set(row, COLUMNS * k);
    });
    return rows;
  }

  private _polygon(event: IHandEvent): Progress {
    const here: Place = [event.y, event.x];
    const [first] = this._path;
    switch (event.kind) {
      case 'down':
        this._events.push(event);
        if (first && this._path.length >= 3 && this._isNear(here, first)) {
          return this._close();
        }
        this._heldFrom = this._path.length;
        this._onlyFreehand = this._path.length === 0;
        this._path.push(here);
        return 'open';
      case 'move':
        if (this.isHeld && !this._isNear(here, this._path.at(-1), 1 / 4)) {
          this._events.push(event);
          this._path.push(here);
        }
        return 'open';
      case 'up': {
        if (this._heldFrom === null) {
          return 'open';
        }
        this._events.push(event);
        const drawn = this._path.length - this._heldFrom > 3;
        this._heldFrom = null;
        return drawn && this._onlyFreehand ? this._close() : 'open';
      }
      case 'double':
        this._events.push(event);
        return this._close();
      case 'key':
        this._events.push(event);
        if (event.key === 'Backspace') {
          this._path.pop();
        }
        return event.key === 'Enter' ? this._close() : 'open';
    }
  }

  private _close(): Progress {
    const ring = this._path.filter(
      (place, k) => k === 0 || !isSame(place, this._path[k - 1])
    );
    if (ring.length > 1 && isSame(ring[0], ring.at(-1))) {
      ring.pop();
    }
    this._isWhole = ring.length >= 3;
    return this._isWhole ? 'whole' : 'nothing';
  }

  /** All tools but the polygon: from the button's going down to its going up. */
  private _drag(event: IHandEvent): Progress {
    const here: Place = [event.y, event.x];
    if (event.kind === 'down') {
      this._events.push(event);
      this._path.push(here);
      this._heldFrom = 0;
      this._modifiers = event.modifiers;
      const adds = (event.modifiers & SHIFT) !== 0;
      this._moves = this.tool === 'select' && !adds && this._drags(here);
      const takesVertex = this.tool === 'edit' && (event.modifiers & ALT) !== 0;
      return this.tool === 'point' || takesVertex ? 'whole' : 'open';
    }
    if (!this.isHeld || (event.kind !== 'move' && event.kind !== 'up')) {
      return 'open';
    }
    this._modifiers = event.modifiers;
    if (this._keepsPath) {
      this._path.push(here);
    }
    if (event.kind === 'up' || this._keepsPath) {
      this._events.push(event);
    }
    return event.kind === 'up' ? this._finished(here) : 'open';
  }

  private _finished(here: Place): Progress {
    this._heldFrom = null;
    const [start] = this._path;
    switch (this.tool) {
      case 'box':
      case 'ellipse': {
        const [a, b] = this._corners(start ?? here, here);
        return a[0] === b[0] || a[1] === b[1] ? 'nothing' : 'whole';
      }
      case 'split':
        return this._isNear(here, start) ? 'nothing' : 'whole';
      default:
        this._isWhole = true;
        return 'whole';
    }
  }

  private get _keepsPath(): boolean {
    return ['brush', 'eraser', 'split'].includes(this.tool);
  }

  /** Shift makes a shape regular, alt grows it from its centre. */
  private _corners(start: Place, end: Place): Corners {
    let [dy, dx] = [end[0] - start[0], end[1] - start[1]];
    if (this._modifiers & SHIFT) {
      const side = Math.max(Math.abs(dy), Math.abs(dx));
      [dy, dx] = [dy < 0 ? -side : side, dx < 0 ? -side : side];
    }
    const grows = (this._modifiers & ALT) !== 0;
    const from: Place = grows ? [start[0] - dy, start[1] - dx] : start;
    return [from, [start[0] + dy, start[1] + dx]];
  }

  private _isNear(a: Place, b: Place | undefined, part = 1): boolean {
    return (
      b !== undefined &&
      Math.hypot(a[0] - b[0], a[1] - b[1]) <= this._reach() * part
    );
  }

  private readonly _events: IHandEvent[] = [];
  private readonly _path: Place[] = [];
  private _heldFrom: number | null = null; // number of vertices when the button went down
  private _mark = { events: 0, path: 0 }; // how much there was when the button went down
  private _onlyFreehand = false;
  private _isWhole = false;
  private _moves = false;
  private _modifiers = 0;
  private _hover: Place | null = null;
}

function isSame(a: Place | undefined, b: Place | undefined): boolean {
  return a?.[0] === b?.[0] && a?.[1] === b?.[1];
}
