/** Parts, rules, splits and sizes in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { PartName } from './grid';
import type { RuleKind, SplitKind } from './wish';

export const PARTS: ReadonlyArray<PartName> = ['train', 'val', 'test'];

/** What stands in a tile for its part. */
export const PART_LETTERS: Readonly<Record<PartName, string>> = {
  train: 'T',
  val: 'V',
  test: 'E'
};

export function partWord(part: PartName, trans: TranslationBundle): string {
  const words: Readonly<Record<PartName, string>> = {
    train: trans.__('train'),
    val: trans.__('val'),
    test: trans.__('test')
  };
  return words[part];
}

/** Rules by which tiles are taken, each with what it takes. */
export function ruleWords(
  trans: TranslationBundle
): ReadonlyArray<readonly [RuleKind, string]> {
  const words: Readonly<Record<RuleKind, string>> = {
    all: trans.__('all that are annotated at all'),
    annotated: trans.__('annotated at least …'),
    reviewed: trans.__('accepted in review'),
    classes: trans.__('in which a class occurs'),
    number: trans.__('a number of them, drawn'),
    hand: trans.__('chosen by hand')
  };
  return Object.entries(words) as Array<[RuleKind, string]>;
}

export function splitWords(
  trans: TranslationBundle
): ReadonlyArray<readonly [SplitKind, string]> {
  const words: Readonly<Record<SplitKind, string>> = {
    auto: trans.__('automatic: images, else blocks'),
    images: trans.__('whole images'),
    groups: trans.__('groups of images'),
    blocks: trans.__('blocks of each image, with a gap'),
    bands: trans.__('bands of each image, with a gap')
  };
  return Object.entries(words) as Array<[SplitKind, string]>;
}

/** A size for people. */
export function sizeWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(
    Math.floor(Math.log10(Math.max(bytes, 1)) / 3),
    units.length - 1
  );
  const value = bytes / 1000 ** power;
  const digits = power > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[power] ?? ''}`;
}

const COMPACT = new Intl.NumberFormat([], {
  notation: 'compact',
  maximumSignificantDigits: 3
});

/** A large number in few letters. */
export function compact(value: number): string {
  return COMPACT.format(value);
}

/** A share in percent; what is there is never 0. */
export function percent(part: number, whole: number): string {
  const share = whole > 0 ? (100 * part) / whole : 0;
  return share > 0 && share < 0.1 ? '< 0.1 %' : `${share.toFixed(1)} %`;
}
