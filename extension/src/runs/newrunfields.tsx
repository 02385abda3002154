/** All fields of a new run. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type {
  DeviceChoice,
  FieldProblem,
  RunForm,
  TrainingSetChoice
} from '../wire';
import { networkWords } from './planwords';
import { ChoiceField, type IFieldProps, TextField } from './runfields';
import type { Field, Texts } from './runwish';
import { courseWords, hubChoiceWords, hubWords } from './hubwords';
import { HUB, moment } from './words';

const OTHER = 'smp:';

export interface INewRunFieldsProps {
  readonly form: RunForm;
  readonly texts: Texts;
  readonly separatesObjects: boolean;
  readonly reuses: boolean;
  readonly problemsOf: (field: Field) => ReadonlyArray<FieldProblem>;
  readonly trans: TranslationBundle;
  readonly onSet: (field: Field, text: string) => void;
  readonly onSeparate: (isSeparate: boolean) => void;
  readonly onReuse: (reuses: boolean) => void;
}

type Bound = Omit<IFieldProps, 'label' | 'help'>;

export function NewRunFields(props: INewRunFieldsProps): React.JSX.Element {
  const { form, texts, trans } = props;
  const at = (field: Field): Bound => ({
    field,
    value: texts.get(field) ?? '',
    problems: props.problemsOf(field),
    onSet: text => props.onSet(field, text)
  });
  return (
    <>
      <ChoiceField
        {...at('training_set')}
        label={trans.__('Training set')}
        options={form.training_sets.map(set => [set.key, setWords(set, trans)])}
      />
      <Network form={form} at={at('architecture')} trans={trans} />
      <div className="labkit-NewRun-grid">
        <Numbers form={form} at={at} trans={trans} />
      </div>
      <label className="labkit-Form-check">
        <input
          type="checkbox"
          checked={props.separatesObjects}
          onChange={event => props.onSeparate(event.currentTarget.checked)}
        />
        {trans.__('Tell touching objects apart')}
      </label>
      <label className="labkit-Form-check">
        <input
          type="checkbox"
          checked={props.reuses}
          onChange={event => props.onReuse(event.currentTarget.checked)}
        />
        {trans.__('If the same was trained before, show that run instead')}
      </label>
      <details>
        <summary>{trans.__('A notebook of your own')}</summary>
        <TextField
          {...at('notebook')}
          label={trans.__('Notebook')}
          help={trans.__(
            'A path in %1, of a notebook that keeps to the rules of run notebooks; empty is LabKit’s own.',
            form.home
          )}
        />
      </details>
    </>
  );
}

/** One of the networks there are, or another one by its name. */
function Network(props: {
  readonly form: RunForm;
  readonly at: Bound;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { at, form, trans } = props;
  const known = form.architectures.find(({ name }) => name === at.value);
  const isOther = at.value.startsWith(OTHER);
  const other = isOther ? at.value : form.other_network; // the choice stays where the name is being written
  return (
    <>
      <ChoiceField
        {...at}
        label={trans.__('Network')}
        help={known && networkWords(known, trans)}
        options={[
          ...form.architectures.map(({ name }) => [name, name] as const),
          ...(form.other_network === null || other === null
            ? []
            : [[other, trans.__('another one, by name…')] as const])
        ]}
      />
      {isOther && (
        <TextField
          {...at}
          label={trans.__('Name of the network')}
          help={trans.__(
            'smp:<decoder>:<encoder>, of segmentation-models-pytorch'
          )}
        />
      )}
    </>
  );
}

/** How long, how fast and where. */
function Numbers(props: {
  readonly form: RunForm;
  readonly at: (field: Field) => Bound;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { at, form, trans } = props;
  const isAtHub = at('device').value === HUB;
  return (
    <>
      <TextField
        {...at('model')}
        label={trans.__('Name of the model')}
        help={trans.__('Each run makes its next version.')}
      />
      <TextField {...at('epochs')} label={trans.__('Epochs')} />
      <TextField
        {...at('patience')}
        label={trans.__('Stop early after')}
        help={trans.__('epochs without a better score; 0 is never')}
      />
      <TextField {...at('batch_size')} label={trans.__('Tiles in a step')} />
      <TextField {...at('learning_rate')} label={trans.__('Learning rate')} />
      <TextField
        {...at('seed')}
        label={trans.__('Seed')}
        help={trans.__('The same seed gives the same model.')}
      />
      <ChoiceField
        {...at('device')}
        label={trans.__('Where')}
        help={
          form.hub !== null && isAtHub ? hubWords(form.hub, trans) : undefined
        }
        options={[
          ...form.devices.map(
            device => [device.name, deviceWords(device, trans)] as const
          ),
          ...(form.hub === null
            ? []
            : [[HUB, hubChoiceWords(form.hub, trans)] as const])
        ]}
      />
      {form.hub !== null && isAtHub && form.hub.courses.length > 0 && (
        <ChoiceField
          {...at('course')}
          label={trans.__('Course')}
          help={trans.__('Its hours are used.')}
          options={form.hub.courses.map(course => [
            course.id,
            courseWords(course, trans)
          ])}
        />
      )}
      <TextField
        {...at('time_limit_s')}
        label={trans.__('Time limit')}
        help={trans.__('minutes; empty is none')}
      />
    </>
  );
}

function setWords(set: TrainingSetChoice, trans: TranslationBundle): string {
  return trans.__(
    '%1 (%2; %3 tiles of %4 px, %5)',
    set.name,
    moment(set.created),
    set.training_chips,
    set.chip_px,
    set.classes.join(', ')
  );
}

function deviceWords(
  { label, runs }: DeviceChoice,
  trans: TranslationBundle
): string {
  return runs > 0
    ? trans._n(
        'here, %2 (%1 run there now)',
        'here, %2 (%1 runs there now)',
        runs,
        label
      )
    : trans.__('here, %1', label);
}
