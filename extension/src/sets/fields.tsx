/** Labelled fields of the builder's form. */

import * as React from 'react';

import { NumberField } from '../annotator/numberfield';

export function NumberRow(props: {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly unit?: string;
  readonly onChange: (value: number) => void;
}): React.JSX.Element {
  const { label, unit } = props;
  return (
    <label className="labkit-Sets-row">
      <span>{label}</span>
      <span>
        <NumberField
          {...props}
          label={unit === undefined ? label : `${label} (${unit})`}
          step={1}
          onChange={value => props.onChange(Math.round(value))}
        />
        {unit !== undefined && <span aria-hidden="true">{unit}</span>}
      </span>
    </label>
  );
}

export function ChoiceRow<Value extends string>(props: {
  readonly label: string;
  readonly value: Value;
  readonly options: ReadonlyArray<readonly [value: Value, label: string]>;
  readonly onChange: (value: Value) => void;
}): React.JSX.Element {
  return (
    <label className="labkit-Sets-choice">
      <span>{props.label}</span>
      <select
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value as Value)}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Some of several, each with a box to tick. */
export function TickRows(props: {
  readonly legend: string;
  readonly options: ReadonlyArray<readonly [value: string, label: string]>;
  readonly chosen: ReadonlyArray<string>;
  readonly onChange: (chosen: ReadonlyArray<string>) => void;
}): React.JSX.Element {
  const { chosen, options } = props;
  return (
    <fieldset className="labkit-Sets-ticks">
      <legend>{props.legend}</legend>
      {options.map(([value, label]) => (
        <label key={value} className="labkit-Form-check">
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={event => {
              const isOn = event.currentTarget.checked;
              props.onChange(
                options
                  .map(([one]) => one)
                  .filter(one => (one === value ? isOn : chosen.includes(one)))
              );
            }}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
