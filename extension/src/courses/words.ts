/** Course work in words: when something is due, how long is left, what late work costs. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { AssignmentEntry } from '../wire';

const MINUTE_MS = 60_000;
const HOUR_MIN = 60;
const DAY_MIN = 24 * 60;

/** A moment as the clocks of the course show it. */
export function localTime(moment: string, timeZone: string): string {
  const shown: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23'
  };
  const time = new Date(moment);
  if (time.getFullYear() !== new Date().getFullYear()) {
    shown.year = 'numeric';
  }
  try {
    return time.toLocaleString([], { ...shown, timeZone });
  } catch {
    return time.toLocaleString([], { ...shown, timeZone: 'UTC' }); // a zone that this browser does not know
  }
}

/** How long until a moment, or since. */
export function timeLeft(
  moment: string,
  now: number,
  trans: TranslationBundle
): string {
  const ms = Date.parse(moment) - now;
  const span = spanWords(Math.abs(ms), trans);
  return ms >= 0 ? trans.__('%1 left', span) : trans.__('%1 ago', span);
}

function spanWords(ms: number, trans: TranslationBundle): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < HOUR_MIN) {
    return trans.__('%1 min', minutes);
  }
  const hours = Math.floor(minutes / HOUR_MIN);
  return minutes < DAY_MIN
    ? trans.__('%1 h %2 min', hours, minutes % HOUR_MIN)
    : trans.__('%1 d %2 h', Math.floor(hours / 24), hours % 24);
}

/** What becomes of late work. */
export function lateWords(
  entry: AssignmentEntry,
  trans: TranslationBundle
): string {
  const { accepts_late, floor_percent, grace_min, percent_per_day } = entry;
  const words = !accepts_late
    ? trans.__('Late work is refused')
    : percent_per_day === 0
      ? trans.__('Late work is accepted')
      : floor_percent === 0
        ? trans.__('Late work loses %1 % a day', percent_per_day)
        : trans.__(
            'Late work loses %1 % a day, down to %2 %',
            percent_per_day,
            floor_percent
          );
  return grace_min === 0
    ? `${words}.`
    : trans.__('%1, after %2 min of grace.', words, grace_min);
}

/** How often one may still hand in, and what counts. */
export function attemptWords(
  entry: AssignmentEntry,
  trans: TranslationBundle
): string {
  const { attempts, attempts_used, counts } = entry;
  if (attempts === null) {
    return attempts_used === 0
      ? ''
      : counts === 'best'
        ? trans._n(
            'Handed in %1 time; the best one counts.',
            'Handed in %1 times; the best one counts.',
            attempts_used
          )
        : trans._n(
            'Handed in %1 time; the last one counts.',
            'Handed in %1 times; the last one counts.',
            attempts_used
          );
  }
  const left = Math.max(0, attempts - attempts_used);
  return counts === 'best'
    ? trans.__('%1 of %2 attempts left; the best one counts.', left, attempts)
    : trans.__('%1 of %2 attempts left; the last one counts.', left, attempts);
}

/** The state of an assignment in a word. */
export function stateWord(
  entry: AssignmentEntry,
  trans: TranslationBundle
): string {
  if (entry.draft) {
    return trans.__('draft');
  }
  switch (entry.state) {
    case 'to-fetch':
      return entry.closed ? trans.__('closed') : trans.__('to fetch');
    case 'working':
      return entry.closed ? trans.__('closed') : trans.__('working');
    case 'submitted':
      return trans.__('submitted');
    case 'feedback':
      return trans.__('feedback');
  }
}

/** The state of an assignment in a word, for the staff of its course. */
export function staffStateWord(
  entry: AssignmentEntry,
  trans: TranslationBundle
): string {
  if (entry.draft) {
    return trans.__('draft');
  }
  return entry.closed
    ? trans.__('closed')
    : trans.__('release %1', entry.release);
}

/** Points without needless digits. */
export function points(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function fileSize(bytes: number, trans: TranslationBundle): string {
  return bytes < 1_000_000
    ? trans.__('%1 kB', Math.max(1, Math.round(bytes / 1000)))
    : trans.__('%1 MB', (bytes / 1_000_000).toFixed(1));
}

/** How late something was. */
export function lateness(seconds: number, trans: TranslationBundle): string {
  return trans.__('late by %1', spanWords(seconds * 1000, trans));
}
