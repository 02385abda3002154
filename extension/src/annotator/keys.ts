/** What each key does in the annotator. */

import type { Easel } from './easel';
import type { Stage } from './stage';
import { TOOLS } from './tools';

const NUDGE_FAR = 10;
const CROSSHAIR_PX = 20;
const CROSSHAIR_FINE_PX = 2;
const ZOOM_STEP = 1.5;
const RADIUS_STEP = 1.25;

export const FINISHED = 'finished';

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1]
};

/** Do what a key says; returns whether it was one of ours. */
export function takeKey(
  event: KeyboardEvent,
  easel: Easel,
  stage: Stage
): boolean {
  const isCommand = event.ctrlKey || event.metaKey;
  if (event.altKey) {
    return false;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (isCommand) {
    return takeCommand(key, event.shiftKey, easel);
  }
  const arrow = ARROWS[key];
  if (arrow !== undefined) {
    takeArrow(arrow, event.shiftKey, easel);
    return true;
  }
  return (
    takeToolKey(key, easel) ||
    takeViewKey(key, easel, stage) ||
    takeObjectKey(key, easel)
  );
}

function takeCommand(key: string, shift: boolean, easel: Easel): boolean {
  switch (key) {
    case 'z':
      easel.session.command(shift ? 'redo' : 'undo');
      return true;
    case 'y':
      easel.session.command('redo');
      return true;
    case 'c':
      easel.session.copy();
      return true;
    case 'a':
      easel.session.selection = easel.items.map(item => item.head.id);
      return true;
    default:
      return false;
  }
}

/** Arrows move what is chosen; with a tool that draws they move the crosshair. */
function takeArrow(
  [dy, dx]: readonly [number, number],
  shift: boolean,
  easel: Easel
): void {
  const draws = !['select', 'edit'].includes(easel.settings.tool);
  if (draws) {
    const step = shift ? CROSSHAIR_FINE_PX : CROSSHAIR_PX;
    easel.moveCrosshair(dy * step, dx * step);
  } else if (easel.session.selection.length > 0) {
    const step = shift ? NUDGE_FAR : 1;
    easel.session.command('move', easel.session.selection, {
      dy: dy * step,
      dx: dx * step
    });
  } else {
    easel.pan(-dy * 40 * easel.density, -dx * 40 * easel.density);
  }
}

function takeToolKey(key: string, easel: Easel): boolean {
  const tool = TOOLS.find(one => one.key === key);
  if (tool !== undefined) {
    easel.set({ tool: tool.name });
    return true;
  }
  const { radius } = easel.settings;
  switch (key) {
    case '[':
      easel.set({ radius: radius / RADIUS_STEP });
      return true;
    case ']':
      easel.set({ radius: radius * RADIUS_STEP });
      return true;
    default:
      return takeClassKey(key, easel);
  }
}

function takeClassKey(key: string, easel: Easel): boolean {
  const chosen = /^[1-9]$/.test(key)
    ? easel.classes[Number(key) - 1]
    : undefined;
  if (chosen === undefined) {
    return false;
  }
  easel.chooseClass(chosen.id);
  return true;
}

function takeViewKey(key: string, easel: Easel, stage: Stage): boolean {
  switch (key) {
    case '+':
    case '=':
      easel.zoom(ZOOM_STEP);
      return true;
    case '-':
      easel.zoom(1 / ZOOM_STEP);
      return true;
    case '0':
      easel.zoom(stage.density / stage.view.zoom);
      return true;
    case 'Home':
      stage.fit();
      return true;
    default:
      return false;
  }
}

function takeObjectKey(key: string, easel: Easel): boolean {
  const { session } = easel;
  switch (key) {
    case 'Enter':
      easel.keyInGesture(key);
      return true;
    case 'Backspace':
      if (easel.isDrawing) {
        easel.keyInGesture(key);
        return true;
      }
      return remove(easel);
    case 'Delete':
      return remove(easel);
    case 'f':
      session.command('set_task', [], {
        task: FINISHED,
        completed: !session.completedTasks.includes(FINISHED)
      });
      return true;
    default:
      return false;
  }
}

function remove({ session }: Easel): boolean {
  if (session.selection.length > 0) {
    session.command('delete', session.selection);
  }
  return true;
}
