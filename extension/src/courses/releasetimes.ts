/** Times of a release that have passed, and what that means to students. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ReleaseAsk } from '../wire';

const MINUTE_MS = 60_000;

/** What holds for a release. */
export type ReleaseSettings = Omit<ReleaseAsk, 'documents' | 'seen'>;

/** Whether a local time of the course has come, some minutes later; an empty one never does. */
export function isPast(time: string, now: string, minutes = 0): boolean {
  // both are read as if they were UTC: only which is the later one counts
  const moment = Date.parse(`${time}Z`) + minutes * MINUTE_MS;
  return time !== '' && moment <= Date.parse(`${now}Z`);
}

/** What times that have passed mean to students; empty while they can hand in on time. */
export function pastWords(
  { accepts_late, closes, due, grace_min }: ReleaseSettings,
  now: string,
  trans: TranslationBundle
): string {
  if (isPast(closes, now)) {
    return trans.__(
      'The time after which nothing is accepted has passed: students cannot hand in.'
    );
  }
  if (!isPast(due, now, grace_min)) {
    return '';
  }
  return accepts_late
    ? trans.__('The due time has passed: all that is handed in is late.')
    : trans.__(
        'The due time has passed, and late work is not accepted: students cannot hand in.'
      );
}
