/** A run as somebody writes it down: texts, until they are read. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { FieldProblem, NewRun, RunForm } from '../wire';
import { HUB } from './words';

/** What stands in a field that is written or chosen. */
export type Field = Exclude<
  keyof NewRun,
  'separate_objects' | 'where' | 'reuse'
>;

/** Numbers are kept as they are written: "1e-" on the way to "1e-3" is no error yet. */
export type Texts = ReadonlyMap<string, string>;

/** What is ticked. */
export interface IChoices {
  readonly separatesObjects: boolean;
  readonly reuses: boolean;
}

export interface IReadWish {
  /** Null where a number is none. */
  readonly asked: NewRun | null;
  readonly problems: ReadonlyArray<FieldProblem>;
}

/** What stands in the form before anybody writes: the defaults, and of the sets the wanted or the newest. */
export function firstTexts(
  form: RunForm,
  wanted?: string
): Map<string, string> {
  const keys = form.training_sets.map(({ key }) => key);
  const first = keys.find(key => key === wanted) ?? keys[0];
  const texts = new Map(
    Object.entries(form.defaults).map(([field, value]) => [
      field,
      String(value)
    ])
  );
  texts.set('course', form.hub?.courses[0]?.id ?? '');
  return texts.set('training_set', first ?? '');
}

/** The wish that is written in `texts`, and what is wrong with them. */
export function readWish(
  texts: Texts,
  choices: IChoices,
  trans: TranslationBundle
): IReadWish {
  const problems: FieldProblem[] = [];
  const text = (field: Field): string => (texts.get(field) ?? '').trim();
  const number = (field: Field, isWhole: boolean): number => {
    const value = numberIn(text(field), isWhole);
    if (value === null) {
      problems.push({ field, message: numberWords(isWhole, trans), hint: '' });
    }
    return value ?? NaN;
  };
  const isAtHub = texts.get('device') === HUB;
  const asked: NewRun = {
    training_set: texts.get('training_set') ?? '',
    model: text('model'),
    architecture: texts.get('architecture') ?? '',
    epochs: number('epochs', true),
    batch_size: number('batch_size', true),
    learning_rate: number('learning_rate', false),
    seed: number('seed', true),
    separate_objects: choices.separatesObjects,
    patience: number('patience', true),
    device: isAtHub ? 'auto' : (texts.get('device') ?? ''),
    where: isAtHub ? 'hub' : 'here',
    course: isAtHub ? text('course') || null : null,
    reuse: choices.reuses,
    time_limit_s:
      text('time_limit_s') === '' ? null : number('time_limit_s', false) * 60,
    notebook: text('notebook') || null
  };
  return { asked: problems.length === 0 ? asked : null, problems };
}

/** The number in a text, with a point or a comma; null where it is none. */
function numberIn(text: string, isWhole: boolean): number | null {
  const value = text === '' ? NaN : Number(text.replace(',', '.'));
  const isGood =
    Number.isFinite(value) && (!isWhole || Number.isInteger(value));
  return isGood ? value : null;
}

function numberWords(isWhole: boolean, trans: TranslationBundle): string {
  return isWhole
    ? trans.__('This must be a whole number.')
    : trans.__('This must be a number.');
}
