/** The fields of a release: times, late work, attempts. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ReleaseAsk, ReleasePlan } from '../wire';
import { isPast, type ReleaseSettings } from './releasetimes';

interface IFieldsProps {
  readonly settings: ReleaseSettings;
  readonly trans: TranslationBundle;
  readonly onChange: (change: Partial<ReleaseSettings>) => void;
}

export function TimeFields(
  props: IFieldsProps & { readonly plan: ReleasePlan }
): React.JSX.Element {
  const { onChange, plan, settings, trans } = props;
  const { closes, due } = settings;
  const { now, time_zone } = plan;
  return (
    <div className="labkit-Release-row">
      <TimeField
        id="labkit-Release-due-past"
        label={trans.__('Due (%1)', time_zone)}
        value={due}
        now={now}
        trans={trans}
        onChange={value => onChange({ due: value })}
      />
      <TimeField
        id="labkit-Release-closes-past"
        label={trans.__('Nothing is accepted after')}
        value={closes}
        now={now}
        trans={trans}
        onChange={value => onChange({ closes: value })}
      />
    </div>
  );
}

export function LateFields(props: IFieldsProps): React.JSX.Element {
  const { onChange, settings, trans } = props;
  const { accepts_late, floor_percent, grace_min, percent_per_day } = settings;
  return (
    <>
      <label className="labkit-Form-check">
        <input
          type="checkbox"
          checked={accepts_late}
          onChange={event =>
            onChange({ accepts_late: event.currentTarget.checked })
          }
        />
        {trans.__('Accept late work')}
      </label>
      <div className="labkit-Release-row">
        <NumberField
          label={trans.__('Minutes of grace')}
          value={grace_min}
          max={10080}
          onChange={value => onChange({ grace_min: Math.round(value) })}
        />
        <NumberField
          label={trans.__('% lost for each day')}
          value={percent_per_day}
          max={100}
          isOff={!accepts_late}
          onChange={value => onChange({ percent_per_day: value })}
        />
        <NumberField
          label={trans.__('% kept at least')}
          value={floor_percent}
          max={100}
          isOff={!accepts_late}
          onChange={value => onChange({ floor_percent: value })}
        />
      </div>
    </>
  );
}

export function AttemptFields(props: IFieldsProps): React.JSX.Element {
  const { onChange, settings, trans } = props;
  const { attempts, counts } = settings;
  return (
    <div className="labkit-Release-row">
      <label>
        {trans.__('Attempts (empty: any number)')}
        <input
          type="number"
          className="jp-mod-styled"
          min={1}
          max={1000}
          step={1}
          defaultValue={attempts ?? ''}
          onInput={event => {
            const { value } = event.currentTarget;
            onChange({ attempts: value === '' ? null : Number(value) });
          }}
        />
      </label>
      <label>
        {trans.__('Of several counts')}
        <select
          value={counts}
          onChange={event =>
            onChange({
              counts: event.currentTarget.value as ReleaseAsk['counts']
            })
          }
        >
          <option value="last">{trans.__('the last')}</option>
          <option value="best">{trans.__('the best')}</option>
        </select>
      </label>
    </div>
  );
}

/** A local time of the course; that it has passed is said, without forbidding it. */
function TimeField(props: {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly now: string;
  readonly trans: TranslationBundle;
  readonly onChange: (value: string) => void;
}): React.JSX.Element {
  return (
    <div>
      <label>
        {props.label}
        <input
          type="datetime-local"
          className="jp-mod-styled"
          defaultValue={props.value}
          aria-describedby={props.id}
          onInput={event => props.onChange(event.currentTarget.value)}
        />
      </label>
      <span id={props.id} className="labkit-Release-past">
        {isPast(props.value, props.now) &&
          props.trans.__('This time has passed.')}
      </span>
    </div>
  );
}

function NumberField(props: {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly isOff?: boolean;
  readonly onChange: (value: number) => void;
}): React.JSX.Element {
  return (
    <label>
      {props.label}
      <input
        type="number"
        className="jp-mod-styled"
        min={0}
        max={props.max}
        step="any"
        required
        disabled={props.isOff ?? false}
        defaultValue={props.value}
        onInput={event => props.onChange(Number(event.currentTarget.value))}
      />
    </label>
  );
}
