/** Pins of comments above the picture, and the click that sets a new one. */

import type { CommentItem } from '../wire';
import type { DisplayList } from './displaylist';
import type { Place } from './protocol';
import type { ReviewModel } from './reviewmodel';
import type { Viewport } from './viewport';

const RADIUS_PX = 10; // of the screen
const OPEN = '#b3261e';
const DONE = '#5f6368';

/** Where a comment belongs: its place, or the middle of its object; null where that is not known (any more). */
export function placeOf(comment: CommentItem, list: DisplayList): Place | null {
  if (comment.y !== null && comment.x !== null) {
    return [comment.y, comment.x];
  }
  const box = list.get(comment.object_id ?? '')?.box;
  return box === undefined
    ? null
    : [(box.y0 + box.y1) / 2, (box.x0 + box.x1) / 2];
}

/** Draw a numbered pin for each comment that has a place; resolved ones only while they are chosen. */
export function drawPins(
  context: CanvasRenderingContext2D,
  view: Viewport,
  density: number,
  model: ReviewModel,
  list: DisplayList
): void {
  for (const [number, comment] of model.numbered) {
    const isChosen = comment.id === model.chosen;
    const place = placeOf(comment, list);
    if (place !== null && (comment.resolved_by === null || isChosen)) {
      const colour = comment.resolved_by === null ? OPEN : DONE;
      drawPin(context, view.toCanvas(place), density, {
        number,
        colour,
        isChosen
      });
    }
  }
}

/** A drop whose tip is at the place. */
function drawPin(
  context: CanvasRenderingContext2D,
  [y, x]: Place,
  density: number,
  pin: {
    readonly number: number;
    readonly colour: string;
    readonly isChosen: boolean;
  }
): void {
  const r = RADIUS_PX * density * (pin.isChosen ? 1.3 : 1);
  const cy = y - 1.7 * r;
  context.save();
  context.beginPath();
  context.moveTo(x, y);
  context.arc(x, cy, r, Math.PI * 0.8, Math.PI * 0.2);
  context.closePath();
  context.fillStyle = pin.colour;
  context.fill();
  context.lineWidth = 2 * density;
  context.strokeStyle = '#ffffff';
  context.stroke();
  context.fillStyle = '#ffffff';
  context.font = `600 ${Math.round(r * 1.15)}px sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(String(pin.number), x, cy);
  context.restore();
}

/** Takes the next click on a canvas instead of the tools. */
export class PinSetter {
  constructor(
    private readonly _host: HTMLElement,
    private readonly _toPicture: (event: PointerEvent) => Place
  ) {}

  get isWaiting(): boolean {
    return this._take !== null;
  }

  /** Wait for a click, and give its place. */
  wait(take: (place: Place) => void): void {
    this.stop();
    this._take = take;
    this._host.dataset.pinning = 'true';
    this._host.addEventListener('pointerdown', this, { capture: true });
  }

  stop(): void {
    this._take = null;
    delete this._host.dataset.pinning;
    this._host.removeEventListener('pointerdown', this, { capture: true });
  }

  handleEvent(event: PointerEvent): void {
    const take = this._take;
    if (event.button === 0 && take !== null) {
      event.preventDefault();
      event.stopPropagation();
      this.stop();
      take(this._toPicture(event));
    }
  }

  private _take: ((place: Place) => void) | null = null;
}
