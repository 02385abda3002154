/** What each key does in the annotator: one table, which the keyboard obeys and the help shows. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Easel } from './easel';
import { acceptAll, chooseNextProposal, judge } from './judging';
import type { Stage } from './stage';
import { describe, TOOLS } from './tools';

const NUDGE_FAR = 10;
const CROSSHAIR_PX = 20;
const CROSSHAIR_FINE_PX = 2;
const PAN_PX = 40;
const ZOOM_STEP = 1.5;
const RADIUS_STEP = 1.25;

export const FINISHED = 'finished';

/** What a key works on. */
interface IHand {
  readonly easel: Easel;
  readonly stage: Stage;
  readonly openHelp: () => void;
}

/** One line of the help; without an act the widget itself or the browser does it. */
export interface IBinding {
  readonly group: 'tools' | 'drawing' | 'objects' | 'view';
  /** Names of keys with what is held: the first ones are shown, those in `also` do the same. */
  readonly keys: ReadonlyArray<string>;
  readonly also?: ReadonlyArray<string>;
  readonly words: (trans: TranslationBundle) => string;
  readonly act?: (hand: IHand, chord: string) => void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1]
};
const ARROW_KEYS = Object.keys(ARROWS);

export const BINDINGS: ReadonlyArray<IBinding> = [
  ...TOOLS.map((tool): IBinding => ({
    group: 'tools',
    keys: [tool.key],
    words: trans => describe(tool.name, trans),
    act: ({ easel }) => easel.set({ tool: tool.name })
  })),
  {
    group: 'tools',
    keys: ['[', ']'],
    words: trans => trans.__('Smaller and larger brush'),
    act: ({ easel }, chord) => {
      const { radius } = easel.settings;
      const factor = chord === ']' ? RADIUS_STEP : 1 / RADIUS_STEP;
      easel.set({ radius: radius * factor });
    }
  },
  {
    group: 'tools',
    keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    words: trans =>
      trans.__('Draw as this class, and give it to what is chosen'),
    act: ({ easel }, chord) => {
      const chosen = easel.classes[Number(chord) - 1];
      if (chosen !== undefined) {
        easel.chooseClass(chosen.id);
      }
    }
  },
  {
    group: 'drawing',
    keys: ARROW_KEYS,
    words: trans =>
      trans.__(
        'Move the crosshair; with “Select” move what is chosen, or the picture'
      ),
    act: ({ easel }, chord) => takeArrow(chord, false, easel)
  },
  {
    group: 'drawing',
    keys: ARROW_KEYS.map(key => `Shift+${key}`),
    words: trans =>
      trans.__('Move the crosshair finely, or what is chosen by 10 pixels'),
    act: ({ easel }, chord) =>
      takeArrow(chord.replace('Shift+', ''), true, easel)
  },
  {
    group: 'drawing',
    keys: ['Space'],
    words: trans =>
      trans.__('Click at the crosshair; held, dragging moves the picture')
  },
  {
    group: 'drawing',
    keys: ['Enter'],
    words: trans => trans.__('Close the polygon'),
    act: ({ easel }) => easel.keyInGesture('Enter')
  },
  {
    group: 'drawing',
    keys: ['Backspace'],
    words: trans => trans.__('Take the last vertex away'),
    act: ({ easel }) => {
      if (easel.isDrawing) {
        easel.keyInGesture('Backspace');
      } else {
        remove(easel);
      }
    }
  },
  {
    group: 'drawing',
    keys: ['Escape'],
    words: trans =>
      trans.__('Give up what is being drawn, choose nothing, leave the picture')
  },
  {
    group: 'objects',
    keys: ['Ctrl+z'],
    words: trans => trans.__('Undo'),
    act: ({ easel }) => easel.session.command('undo')
  },
  {
    group: 'objects',
    keys: ['Ctrl+Shift+z'],
    also: ['Ctrl+y'],
    words: trans => trans.__('Redo'),
    act: ({ easel }) => easel.session.command('redo')
  },
  {
    group: 'objects',
    keys: ['Delete'],
    words: trans => trans.__('Delete what is chosen'),
    act: ({ easel }) => remove(easel)
  },
  {
    group: 'objects',
    keys: ['Ctrl+a'],
    words: trans => trans.__('Choose all objects'),
    act: ({ easel }) => {
      easel.session.selection = easel.items.map(item => item.head.id);
    }
  },
  {
    group: 'objects',
    keys: ['Ctrl+c'],
    words: trans => trans.__('Copy what is chosen'),
    act: ({ easel }) => easel.copy()
  },
  {
    group: 'objects',
    keys: ['Ctrl+v'],
    words: trans => trans.__('Paste, into another picture too')
  },
  {
    group: 'objects',
    keys: ['n'],
    words: trans => trans.__('Go to the next proposal'),
    act: ({ easel }) => chooseNextProposal(easel)
  },
  {
    group: 'objects',
    keys: ['y'],
    words: trans => trans.__('Accept the chosen proposal, and go to the next'),
    act: ({ easel }) => judge(easel, 'accept')
  },
  {
    group: 'objects',
    keys: ['r'],
    words: trans => trans.__('Reject the chosen proposal, and go to the next'),
    act: ({ easel }) => judge(easel, 'reject')
  },
  {
    group: 'objects',
    keys: ['Shift+y'],
    words: trans => trans.__('Accept all proposals'),
    act: ({ easel }) => acceptAll(easel)
  },
  {
    group: 'objects',
    keys: ['f'],
    words: trans => trans.__('Everything in this picture is annotated'),
    act: ({ easel: { session } }) =>
      session.command('set_task', [], {
        task: FINISHED,
        completed: !session.completedTasks.includes(FINISHED)
      })
  },
  {
    group: 'view',
    keys: ['+', '-'],
    also: ['='],
    words: trans => trans.__('Zoom in and out'),
    act: ({ easel }, chord) =>
      easel.zoom(chord === '-' ? 1 / ZOOM_STEP : ZOOM_STEP)
  },
  {
    group: 'view',
    keys: ['0'],
    words: trans => trans.__('One pixel of the picture on one of the screen'),
    act: ({ easel, stage }) => easel.zoom(stage.density / stage.view.zoom)
  },
  {
    group: 'view',
    keys: ['Home'],
    words: trans => trans.__('See the whole picture'),
    act: ({ stage }) => stage.fit()
  },
  {
    group: 'view',
    keys: ['PageUp', 'PageDown'],
    words: trans => trans.__('Next and last plane (z) of a stack'),
    act: ({ easel }, chord) =>
      easel.sight.step('z', chord === 'PageUp' ? 1 : -1)
  },
  {
    group: 'view',
    keys: ['Shift+PageUp', 'Shift+PageDown'],
    words: trans => trans.__('Next and last time (t) of a stack'),
    act: ({ easel }, chord) =>
      easel.sight.step('t', chord === 'Shift+PageUp' ? 1 : -1)
  },
  {
    group: 'view',
    keys: ['h'],
    words: trans => trans.__('Hide all objects, and show them again'),
    act: ({ easel: { sight } }) =>
      sight.set({ hidesAll: !sight.settings.hidesAll })
  },
  {
    group: 'view',
    keys: ['?'],
    words: trans => trans.__('Show this help'),
    act: ({ openHelp }) => openHelp()
  }
];

/** Do what a key says; returns whether it was one of ours. */
export function takeKey(event: KeyboardEvent, hand: IHand): boolean {
  if (event.altKey) {
    return false;
  }
  for (const chord of chordsOf(event)) {
    const binding = BINDINGS.find(({ keys, also = [] }) =>
      [...keys, ...also].includes(chord)
    );
    if (binding !== undefined) {
      binding.act?.(hand, chord);
      return binding.act !== undefined;
    }
  }
  return false;
}

/** What was pressed, by name; a sign that needs shift on some keyboards is known without it too, a command is not. */
function chordsOf(event: KeyboardEvent): string[] {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey ? 'Shift+' : '';
  if (event.ctrlKey || event.metaKey) {
    return [`Ctrl+${shift}${key}`];
  }
  return event.shiftKey ? [`Shift+${key}`, key] : [key];
}

/** Arrows move what is chosen; with a tool that draws they move the crosshair. */
function takeArrow(key: string, shift: boolean, easel: Easel): void {
  const [dy, dx] = ARROWS[key] ?? [0, 0];
  const draws = !['select', 'edit'].includes(easel.settings.tool);
  const { selection } = easel.session;
  if (draws) {
    const step = shift ? CROSSHAIR_FINE_PX : CROSSHAIR_PX;
    easel.moveCrosshair(dy * step, dx * step);
  } else if (selection.length > 0) {
    const step = shift ? NUDGE_FAR : 1;
    easel.session.command('move', selection, { dy: dy * step, dx: dx * step });
  } else {
    const step = PAN_PX * easel.density;
    easel.pan(-dy * step, -dx * step);
  }
}

function remove({ session }: Easel): void {
  if (session.selection.length > 0) {
    session.command('delete', session.selection);
  }
}
