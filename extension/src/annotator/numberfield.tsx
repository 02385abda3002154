/** A number that is typed or dragged: it counts once it is sound, and half-typed it disturbs nothing. */

import * as React from 'react';

import { clamp } from './viewport';

export interface INumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  /** Of the slider's arrows; typed numbers may lie between. */
  readonly step: number;
  readonly onChange: (value: number) => void;
}

/** A box to type in. */
export function NumberField(props: INumberFieldProps): React.JSX.Element {
  const { label, value, least, most, step, onChange } = props;
  const [typed, setTyped] = React.useState<string | null>(null);
  return (
    <input
      type="number"
      aria-label={label}
      title={label}
      min={Number.isFinite(least) ? least : undefined}
      max={Number.isFinite(most) ? most : undefined}
      step={step === 1 ? 1 : 'any'}
      value={typed ?? Number(value.toPrecision(6))}
      onChange={event => {
        const { value: text, valueAsNumber: number } = event.target;
        setTyped(text);
        if (number >= least && number <= most) {
          onChange(number);
        }
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

/** A slider. */
export function Slider(props: INumberFieldProps): React.JSX.Element {
  const { label, value, least, most, step, onChange } = props;
  return (
    <input
      type="range"
      aria-label={label}
      title={label}
      min={least}
      max={most}
      step={step}
      value={clamp(value, least, most)}
      onChange={event => onChange(event.target.valueAsNumber)}
    />
  );
}
