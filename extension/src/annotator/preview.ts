/** Draws on the overlay what the hand is doing, before and until the kernel has made it an object. */

import type { Corners, Preview } from './gestures';
import { tracePath } from './painter';
import type { IItem } from './displaylist';
import type { Place } from './protocol';
import type { Viewport } from './viewport';

const DARK = '#000000b0';
const HANDLES_APART_PX = 11;

/** How a preview looks. */
export interface IPen {
  readonly colour: string;
  /** Of brush and eraser, in pixels of the picture. */
  readonly radius: number;
  /** Canvas pixels for each CSS pixel. */
  readonly density: number;
  /** Objects that a drag moves. */
  readonly chosen: ReadonlyArray<IItem>;
}

export function drawPreview(
  context: CanvasRenderingContext2D,
  view: Viewport,
  preview: Preview,
  pen: IPen
): void {
  context.beginPath();
  switch (preview.kind) {
    case 'line':
      trace(context, view, preview.path, preview.closed);
      strokeTwice(context, pen);
      drawVertices(context, view, preview.path.slice(0, 1), pen);
      return;
    case 'box':
    case 'frame':
      traceBox(context, view, preview.corners);
      context.setLineDash(
        preview.kind === 'frame' ? [4 * pen.density, 3 * pen.density] : []
      );
      strokeTwice(context, pen);
      context.setLineDash([]);
      return;
    case 'wait':
      drawWaiting(context, view, preview.corners, pen);
      return;
    case 'ellipse':
      traceEllipse(context, view, preview.corners);
      strokeTwice(context, pen);
      return;
    case 'shift':
      drawShifted(context, view, preview.dy, preview.dx, pen);
      return;
    case 'grip':
      trace(context, view, [preview.from, preview.to], false);
      strokeTwice(context, pen);
      drawVertices(context, view, [preview.to], pen);
      return;
    case 'stroke':
      drawStroke(context, view, preview.path, preview.erases, pen);
      return;
  }
}

/** The circle that a brush would paint. */
export function drawBrush(
  context: CanvasRenderingContext2D,
  view: Viewport,
  place: Place,
  pen: IPen
): void {
  const [y, x] = view.toCanvas(place);
  context.beginPath();
  context.arc(x, y, Math.max(pen.radius * view.zoom, 1), 0, 2 * Math.PI);
  strokeTwice(context, { ...pen, colour: '#ffffff' });
}

/** The place where a key would set a vertex. */
export function drawCrosshair(
  context: CanvasRenderingContext2D,
  view: Viewport,
  place: Place,
  pen: IPen
): void {
  const [y, x] = view.toCanvas(place);
  const arm = 12 * pen.density;
  context.beginPath();
  context.moveTo(x - arm, y);
  context.lineTo(x + arm, y);
  context.moveTo(x, y - arm);
  context.lineTo(x, y + arm);
  strokeTwice(context, { ...pen, colour: '#ffffff' });
}

/** The places of the outline that a hand can take hold of. */
export function drawHandles(
  context: CanvasRenderingContext2D,
  view: Viewport,
  item: IItem,
  pen: IPen
): void {
  const { head, origin, rings } = item;
  if (head.kind === 'mask') {
    return; // painted, not drawn: it has no vertices
  }
  for (const ring of rings) {
    // an ellipse is taken hold of at the ends of its axes
    const step = head.kind === 'ellipse' ? ring.length / 4 : 2;
    const places: Place[] = [];
    for (let k = 0; k < ring.length; k += step) {
      places.push([origin[0] + (ring[k] ?? 0), origin[1] + (ring[k + 1] ?? 0)]);
    }
    drawVertices(context, view, apart(places, view, pen.density), pen);
  }
}

/** Those of the places that do not lie on the one before. */
function apart(
  places: ReadonlyArray<Place>,
  view: Viewport,
  density: number
): Place[] {
  const least = (HANDLES_APART_PX * density) / view.zoom;
  const kept: Place[] = [];
  for (const place of places) {
    const last = kept.at(-1) ?? [Infinity, Infinity];
    if (Math.hypot(place[0] - last[0], place[1] - last[1]) >= least) {
      kept.push(place);
    }
  }
  return kept;
}

function drawVertices(
  context: CanvasRenderingContext2D,
  view: Viewport,
  places: ReadonlyArray<Place>,
  { colour, density }: IPen
): void {
  const half = 3 * density;
  context.lineWidth = 1.5 * density;
  for (const place of places) {
    const [y, x] = view.toCanvas(place);
    context.fillStyle = '#ffffff';
    context.strokeStyle = colour;
    context.fillRect(x - half, y - half, 2 * half, 2 * half);
    context.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }
}

/** Where the kernel looks for an object: the box, or a ring around the click, and three dots. */
function drawWaiting(
  context: CanvasRenderingContext2D,
  view: Viewport,
  corners: Corners,
  pen: IPen
): void {
  const [y0, x0] = view.toCanvas(corners[0]);
  const [y1, x1] = view.toCanvas(corners[1]);
  const ring = 14 * pen.density;
  const [y, x] = [(y0 + y1) / 2, (x0 + x1) / 2];
  if (Math.max(Math.abs(y1 - y0), Math.abs(x1 - x0)) > ring) {
    traceBox(context, view, corners);
  } else {
    context.arc(x, y, ring, 0, 2 * Math.PI);
  }
  context.setLineDash([4 * pen.density, 3 * pen.density]);
  strokeTwice(context, pen);
  context.setLineDash([]);
  context.fillStyle = '#ffffff';
  for (const k of [-1, 0, 1]) {
    context.beginPath();
    context.arc(x + k * 6 * pen.density, y, 2 * pen.density, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawShifted(
  context: CanvasRenderingContext2D,
  view: Viewport,
  dy: number,
  dx: number,
  pen: IPen
): void {
  context.save();
  context.translate(dx * view.zoom, dy * view.zoom);
  pen.chosen.forEach(item => tracePath(context, view, item, pen.density));
  strokeTwice(context, pen);
  context.restore();
}

function drawStroke(
  context: CanvasRenderingContext2D,
  view: Viewport,
  path: ReadonlyArray<Place>,
  erases: boolean,
  pen: IPen
): void {
  context.save();
  trace(context, view, path.length === 1 ? [...path, ...path] : path, false);
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.lineWidth = 2 * pen.radius * view.zoom;
  context.globalAlpha = 0.4;
  context.strokeStyle = erases ? '#000000' : pen.colour;
  context.stroke();
  context.restore();
}

function trace(
  context: CanvasRenderingContext2D,
  view: Viewport,
  path: ReadonlyArray<Place>,
  closed: boolean
): void {
  path.forEach((place, k) => {
    const [y, x] = view.toCanvas(place);
    if (k === 0) {
      context.moveTo(x, y);
    } else {
      context.lineTo(x, y);
    }
  });
  if (closed) {
    context.closePath();
  }
}

function traceBox(
  context: CanvasRenderingContext2D,
  view: Viewport,
  corners: Corners
): void {
  const [y0, x0] = view.toCanvas(corners[0]);
  const [y1, x1] = view.toCanvas(corners[1]);
  context.rect(x0, y0, x1 - x0, y1 - y0);
}

function traceEllipse(
  context: CanvasRenderingContext2D,
  view: Viewport,
  corners: Corners
): void {
  const [y0, x0] = view.toCanvas(corners[0]);
  const [y1, x1] = view.toCanvas(corners[1]);
  context.ellipse(
    (x0 + x1) / 2,
    (y0 + y1) / 2,
    Math.abs(x1 - x0) / 2,
    Math.abs(y1 - y0) / 2,
    0,
    0,
    2 * Math.PI
  );
}

/** A light line on a dark one can be seen on every picture. */
function strokeTwice(
  context: CanvasRenderingContext2D,
  { colour, density }: IPen
): void {
  context.lineJoin = 'round';
  context.lineWidth = 3.5 * density;
  context.strokeStyle = DARK;
  context.stroke();
  context.lineWidth = 1.75 * density;
  context.strokeStyle = colour;
  context.stroke();
}
