/** Fields with their names, what helps, and what is wrong with them. */

import * as React from 'react';

import type { FieldProblem } from '../wire';
import type { Field } from './runwish';

export interface IFieldProps {
  readonly field: Field;
  readonly label: string;
  readonly help?: string | undefined;
  readonly value: string;
  readonly problems: ReadonlyArray<FieldProblem>;
  readonly onSet: (text: string) => void;
}

export function TextField(props: IFieldProps): React.JSX.Element {
  return (
    <Labelled {...props}>
      {described => (
        <input
          {...described}
          type="text"
          autoComplete="off"
          spellCheck={false}
          value={props.value}
          onChange={event => props.onSet(event.currentTarget.value)}
        />
      )}
    </Labelled>
  );
}

export function ChoiceField(
  props: IFieldProps & {
    readonly options: ReadonlyArray<readonly [value: string, words: string]>;
  }
): React.JSX.Element {
  return (
    <Labelled {...props}>
      {described => (
        <select
          {...described}
          value={props.value}
          onChange={event => props.onSet(event.currentTarget.value)}
        >
          {props.options.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

function Labelled(
  props: IFieldProps & {
    readonly children: (
      described: React.AriaAttributes & { readonly id: string }
    ) => React.ReactNode;
  }
): React.JSX.Element {
  const { field, label, problems } = props;
  const id = `labkit-new-run-${field}-${label.replace(/\W+/g, '-')}`;
  return (
    <div className="labkit-NewRun-field">
      <label htmlFor={id}>{label}</label>
      {props.children({
        id,
        'aria-invalid': problems.length > 0,
        'aria-describedby': `${id}-help`
      })}
      <p id={`${id}-help`}>
        {problems.map(({ message, hint }) => (
          <span key={message} className="labkit-NewRun-problem" role="alert">
            {message} {hint}
          </span>
        ))}
        {props.help}
      </p>
    </div>
  );
}
