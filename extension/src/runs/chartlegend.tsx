/** Names and values of the curves of a chart. */

import * as React from 'react';

import { markOf } from './chartmarks';
import { type ISeries, pointAt } from './series';
import { number } from './words';

/** Which line is which, and its value at the cursor or at the end. */
export function Legend(props: {
  readonly series: ReadonlyArray<ISeries>;
  readonly drawn: ReadonlyArray<ISeries>;
  readonly xLabel: string;
  readonly at: number | null;
}): React.JSX.Element {
  const { at } = props;
  return (
    <ul
      className="labkit-Chart-legend"
      aria-live={at === null ? 'off' : 'polite'}
    >
      {at !== null && (
        <li>
          {props.xLabel} {number(Math.round(at))}
        </li>
      )}
      {props.series.map(one => {
        const found =
          at === null
            ? one.points[one.points.length - 1]
            : pointAt(
                props.drawn.find(({ key }) => key === one.key),
                at
              );
        return (
          <li key={one.key}>
            <svg width="26" height="10" aria-hidden="true">
              <g {...markOf(one)}>
                <path d="M0 5H26" />
              </g>
            </svg>
            {one.label}
            <output>{found === undefined ? '–' : number(found[1])}</output>
          </li>
        );
      })}
    </ul>
  );
}
