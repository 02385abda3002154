/** Draws objects into contexts that are given: outlines, fills, boxes for what is tiny. */

import type { IItem } from './displaylist';
import { objectColour, type SchemeName } from './palettes';
import type { IClass, IObjectHead } from './protocol';
import type { ObjectStyle } from './sight';
import { meet, type Viewport } from './viewport';

const TINY_PX = 4; // a ring below this on the canvas is drawn as its box
const STEP_PX = 0.75; // vertices nearer than this to the last one are skipped
const POINT_PX = 5;
const NO_CLASS = '#9aa0a6';
const AREA = '#ffffff';
const FILL = { both: 0.3, fill: 0.6, outline: 0, points: 0 } as const;

/** How objects look. */
export interface ILook {
  readonly classes: ReadonlyArray<IClass>;
  /** Ids of classes that are not shown; null stands for objects without a class. */
  readonly hidden: ReadonlySet<number | null>;
  readonly style: ObjectStyle;
  readonly opacity: number;
  /** Colours of single objects; null colours them by class. */
  readonly objectScheme: SchemeName | null;
  /** Which plane of a stack is seen; null is all of them. */
  readonly plane: number | null;
  readonly hidesAll: boolean;
  /** Canvas pixels for each CSS pixel. */
  readonly density: number;
}

/** Colour of a class. */
export function colourOf(
  classId: number | null,
  classes: ReadonlyArray<IClass>
): string {
  return classes.find(item => item.id === classId)?.colour ?? NO_CLASS;
}

/** Colour in which an object is drawn. */
function colourOfItem(
  { id, class_id }: IObjectHead,
  { classes, objectScheme }: ILook
): string {
  return objectScheme === null
    ? colourOf(class_id, classes)
    : objectColour(id, objectScheme);
}

/** Draw all objects in sight, annotated areas first. */
export function drawItems(
  context: CanvasRenderingContext2D,
  view: Viewport,
  items: ReadonlyArray<IItem>,
  look: ILook
): void {
  const seen = view.seen;
  const shown = items.filter(
    item => isShown(item.head, look) && meet(item.box, seen)
  );
  const areas = shown.filter(item => item.head.kind === 'area');
  const others = shown.filter(item => item.head.kind !== 'area');
  for (const item of areas) {
    drawArea(context, view, item, look.density);
  }
  context.lineJoin = 'round';
  context.lineWidth = 1.5 * look.density;
  context.globalAlpha = look.opacity;
  let style = '';
  for (const item of others) {
    const colour = colourOfItem(item.head, look);
    const next = `${colour} ${item.head.status}`;
    if (next !== style) {
      style = next;
      context.strokeStyle = colour;
      context.fillStyle = colour;
      const dash = 5 * look.density;
      context.setLineDash(item.head.status === 'proposed' ? [dash, dash] : []);
    }
    drawItem(context, view, item, look);
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** Draw a light around the chosen objects. */
export function drawChosen(
  context: CanvasRenderingContext2D,
  view: Viewport,
  items: ReadonlyArray<IItem>,
  look: ILook
): void {
  context.lineJoin = 'round';
  for (const item of items.filter(({ head }) => isShown(head, look))) {
    for (const [width, colour] of [
      [4.5, '#000000aa'],
      [2.5, '#ffffff']
    ] as const) {
      context.lineWidth = width * look.density;
      context.strokeStyle = colour;
      context.beginPath();
      tracePath(context, view, item, look.density);
      context.stroke();
    }
    context.lineWidth = 1.25 * look.density;
    context.strokeStyle = colourOfItem(item.head, look);
    context.stroke();
  }
}

/** Put the outlines of an object into the context's path. */
export function tracePath(
  context: CanvasRenderingContext2D,
  view: Viewport,
  item: IItem,
  density: number
): void {
  const [oy, ox] = view.toCanvas(item.origin);
  for (const ring of item.rings) {
    const [y = 0, x = 0] = ring;
    if (ring.length === 2) {
      const [cy, cx] = [oy + y * view.zoom, ox + x * view.zoom];
      context.moveTo(cx + POINT_PX * density, cy);
      context.arc(cx, cy, POINT_PX * density, 0, 2 * Math.PI);
      continue;
    }
    traceRing(context, ring, oy, ox, view.zoom);
  }
}

function isShown(head: IObjectHead, look: ILook): boolean {
  const isArea = head.kind === 'area';
  return (
    !look.hidesAll &&
    head.status !== 'rejected' &&
    (head.z === null || look.plane === null || head.z === look.plane) &&
    (isArea || !look.hidden.has(head.class_id))
  );
}

function drawItem(
  context: CanvasRenderingContext2D,
  view: Viewport,
  item: IItem,
  look: ILook
): void {
  const { box, head } = item;
  const height = (box.y1 - box.y0) * view.zoom;
  const width = (box.x1 - box.x0) * view.zoom;
  if (head.kind !== 'point' && Math.max(height, width) < TINY_PX) {
    const [y, x] = view.toCanvas([box.y0, box.x0]);
    context.fillRect(x, y, Math.max(width, 1), Math.max(height, 1));
    return;
  }
  if (head.kind === 'point' || look.style === 'points') {
    drawDot(context, view, item, look);
    return;
  }
  context.beginPath();
  tracePath(context, view, item, look.density);
  const fill = FILL[look.style];
  if (fill > 0) {
    context.globalAlpha = look.opacity * fill;
    context.fill('evenodd');
    context.globalAlpha = look.opacity;
  }
  if (look.style !== 'fill') {
    context.stroke();
  }
}

/** A point, or the middle of an object that is shown as one. */
function drawDot(
  context: CanvasRenderingContext2D,
  view: Viewport,
  { box }: IItem,
  { density }: ILook
): void {
  const [y, x] = view.toCanvas([(box.y0 + box.y1) / 2, (box.x0 + box.x1) / 2]);
  context.beginPath();
  context.arc(x, y, POINT_PX * density, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = '#ffffff'; // or it is lost in a picture of its colour
  context.stroke();
  context.strokeStyle = context.fillStyle;
}

function drawArea(
  context: CanvasRenderingContext2D,
  view: Viewport,
  item: IItem,
  density: number
): void {
  context.beginPath();
  tracePath(context, view, item, density);
  context.lineWidth = 2 * density;
  context.setLineDash([]);
  context.strokeStyle = '#00000099';
  context.stroke();
  context.lineWidth = density;
  context.setLineDash([8 * density, 5 * density]);
  context.strokeStyle = AREA;
  context.stroke();
  context.setLineDash([]);
}

function traceRing(
  context: CanvasRenderingContext2D,
  ring: Float32Array,
  oy: number,
  ox: number,
  zoom: number
): void {
  let [lastY, lastX] = [Infinity, Infinity];
  for (let k = 0; k < ring.length; k += 2) {
    const y = oy + (ring[k] ?? 0) * zoom;
    const x = ox + (ring[k + 1] ?? 0) * zoom;
    if (k === 0) {
      context.moveTo(x, y);
    } else if (Math.abs(y - lastY) + Math.abs(x - lastX) < STEP_PX) {
      continue;
    } else {
      context.lineTo(x, y);
    }
    [lastY, lastX] = [y, x];
  }
  context.closePath();
}
