/** States, formats, times and errors in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { RefusedError } from '../api';
import type { ExportAsk, ReviewItem } from '../wire';

export type State = ReviewItem['state'];
export type Format = ExportAsk['format'];

export const STATES: ReadonlyArray<State> = [
  'to-annotate',
  'in-review',
  'returned',
  'accepted'
];

/** What a document is. */
export function stateWord(state: State, trans: TranslationBundle): string {
  const words: Readonly<Record<State, string>> = {
    'to-annotate': trans.__('to annotate'),
    'in-review': trans.__('in review'),
    returned: trans.__('returned'),
    accepted: trans.__('accepted')
  };
  return words[state];
}

/** What somebody does to bring a document into a state. */
export function stateVerb(state: State, trans: TranslationBundle): string {
  const words: Readonly<Record<State, string>> = {
    'to-annotate': trans.__('Begin again'),
    'in-review': trans.__('Send to review'),
    returned: trans.__('Return'),
    accepted: trans.__('Accept')
  };
  return words[state];
}

/** Formats of files, each with what it is for; the first is the usual one. */
export function formatWords(
  trans: TranslationBundle
): ReadonlyArray<readonly [Format, string]> {
  const words: Readonly<Record<Format, string>> = {
    geojson: trans.__('GeoJSON (QuPath, LabKit): holds everything'),
    coco: trans.__('COCO instances (JSON)'),
    yolo: trans.__('YOLO boxes'),
    'yolo-seg': trans.__('YOLO outlines'),
    voc: trans.__('Pascal VOC boxes (XML)'),
    labeller: trans.__('Django Labeller (JSON)'),
    labels: trans.__('Label image: a number for each object'),
    mask: trans.__('Mask: the class of each pixel'),
    'ome-zarr': trans.__('OME-Zarr label image')
  };
  return Object.entries(words) as Array<[Format, string]>;
}

/** Hours and minutes. */
export function duration(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.round(seconds / 60);
  const rest = String(minutes % 60).padStart(2, '0');
  return trans.__('%1:%2 h', Math.floor(minutes / 60), rest);
}

/** The time of the day, as people here write it. */
export function clock(time: string): string {
  return new Date(time).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit'
  });
}

/** A share of 1 with three digits; a dash where it is undefined. */
export function score(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

/** What went wrong, and what to do next. */
export function errorWords(
  error: unknown,
  trans: TranslationBundle
): [message: string, hint: string] {
  if (error instanceof RefusedError) {
    return [error.message, error.hint];
  }
  return [
    trans.__('The server does not answer.'),
    trans.__('Try again in a moment.')
  ];
}
