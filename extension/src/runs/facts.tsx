/** Names and values, side by side. */

import * as React from 'react';

export type Fact = readonly [name: string, value: React.ReactNode];

export function FactList(props: {
  readonly facts: ReadonlyArray<Fact>;
}): React.JSX.Element {
  return (
    <dl className="labkit-Facts">
      {props.facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
