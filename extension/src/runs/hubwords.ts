/** What the hub offers, in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { HubCourseChoice, HubItem } from '../wire';

/** As one of the places where a run can be carried out. */
export function hubChoiceWords(hub: HubItem, trans: TranslationBundle): string {
  const free = trans.__('%1 of %2 free', hub.free, hub.total);
  return hub.waiting > 0
    ? trans.__('on the hub’s GPU (%1, %2 in line)', free, hub.waiting)
    : trans.__('on the hub’s GPU (%1)', free);
}

/** What is to be known before a run is handed to the hub. */
export function hubWords(hub: HubItem, trans: TranslationBundle): string {
  const words = [trans.__('It goes on when you close this page.')];
  if (hub.hours_left !== null) {
    words.push(trans.__('You may compute %1 h more.', hours(hub.hours_left)));
  }
  if (hub.pause !== '') {
    words.push(trans.__('Nothing starts just now: %1', hub.pause));
  }
  if (hub.announcement !== '') {
    words.push(hub.announcement);
  }
  return words.join(' ');
}

export function courseWords(
  { hours_left, title }: HubCourseChoice,
  trans: TranslationBundle
): string {
  return hours_left === null
    ? title
    : trans.__('%1 (%2 h left)', title, hours(hours_left));
}

function hours(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
