/** States, spans of time and numbers of runs in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { RunItem } from '../wire';

export type RunState = RunItem['state'];

const ENDED: ReadonlyArray<RunState> = ['done', 'failed', 'cancelled', 'lost'];

/** What stands for a device of the hub that is not known yet, and for the hub among the devices of a form. */
export const HUB = 'hub';

/** A sign for each state, so that nobody needs the colour. */
export const STATE_SIGNS: Readonly<Record<RunState, string>> = {
  queued: '◷',
  starting: '◌',
  running: '▶',
  cancelling: '◼',
  done: '✓',
  failed: '✕',
  cancelled: '⊘',
  lost: '?'
};

export function hasEnded(state: RunState): boolean {
  return ENDED.includes(state);
}

export function runStateWord(
  state: RunState,
  trans: TranslationBundle
): string {
  const words: Readonly<Record<RunState, string>> = {
    queued: trans.__('queued'),
    starting: trans.__('starting'),
    running: trans.__('running'),
    cancelling: trans.__('stopping'),
    done: trans.__('done'),
    failed: trans.__('failed'),
    cancelled: trans.__('cancelled'),
    lost: trans.__('lost')
  };
  return words[state];
}

/** What a run computes on: a device here, or the hub's name for one of its own. */
export function deviceName(
  run: Pick<RunItem, 'where' | 'device'>,
  trans: TranslationBundle
): string {
  if (run.where === 'here') {
    return run.device;
  }
  return run.device === HUB
    ? trans.__('the hub’s GPU')
    : trans.__('%1 of the hub', run.device);
}

/** The state with the place in the queue: "queued, next" or "queued, 2 before it"; of the hub's line there is more to tell. */
export function standing(run: RunItem, trans: TranslationBundle): string {
  const word = runStateWord(run.state, trans);
  if (run.place === null || run.where === 'hub') {
    return word;
  }
  return run.place === 0
    ? trans.__('%1, next', word)
    : trans.__('%1, %2 before it', word, run.place);
}

/** A span of time: "45 s", "3 min 20 s", "2 h 05 min". */
export function span(seconds: number, trans: TranslationBundle): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return trans.__('%1 s', whole);
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return trans.__('%1 min %2 s', minutes, whole % 60);
  }
  const rest = String(minutes % 60).padStart(2, '0');
  return trans.__('%1 h %2 min', Math.floor(minutes / 60), rest);
}

/** How long a run takes or took, in seconds; null before it started. */
export function lasted(run: RunItem, now: number): number | null {
  if (run.started === null) {
    return null;
  }
  const end = run.ended === null ? now : Date.parse(run.ended);
  return Math.max(0, (end - Date.parse(run.started)) / 1000);
}

/** Epoch, step, rate and time to go, as far as they are known. */
export function progressWords(
  run: RunItem,
  trans: TranslationBundle
): ReadonlyArray<string> {
  const words: string[] = [];
  if (run.epoch > 0 && run.epochs > 0) {
    words.push(trans.__('Epoch %1 of %2', run.epoch, run.epochs));
  }
  if (run.steps > 0) {
    words.push(trans.__('step %1 of %2', run.step, run.steps));
  }
  if (hasEnded(run.state)) {
    return words;
  }
  if (run.total > 0 && run.unit !== 'steps') {
    words.push(stageWord(run, trans));
  }
  if (run.rate_per_s !== null && run.unit === 'steps') {
    words.push(trans.__('%1 steps per second', number(run.rate_per_s)));
  }
  if (run.remaining_s !== null) {
    words.push(trans.__('%1 to go', span(run.remaining_s, trans)));
  }
  return words;
}

/** What else is counted: "notebook: 3 of 21 cells". */
function stageWord(run: RunItem, trans: TranslationBundle): string {
  const count = trans.__('%1 of %2 %3', run.done, run.total, run.unit);
  return run.stage === '' ? count : `${run.stage}: ${count}`;
}

/** The part of a run that is done, from 0 to 1; null where nobody knows. */
export function share(run: RunItem): number | null {
  if (run.steps > 0) {
    return Math.min(1, run.step / run.steps);
  }
  return run.total > 0 ? Math.min(1, run.done / run.total) : null;
}

/** A day and a time, short. */
export function moment(time: string): string {
  return new Date(time).toLocaleString([], {
    dateStyle: 'short',
    timeStyle: 'short'
  });
}

/** A number with as many digits as say something. */
export function number(value: number): string {
  if (value === 0 || !Number.isFinite(value)) {
    return String(value);
  }
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) {
    return value.toExponential(2).replace(/\.?0+e/, 'e');
  }
  return String(Number(value.toPrecision(size >= 1000 ? 5 : 4)));
}

/** Bytes for people. */
export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[unit] ?? ''}`;
}
