/** How the class did: ten columns, one for each tenth of the points. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { points } from './words';

export function Histogram(props: {
  readonly counts: ReadonlyArray<number>;
  /** One's own share of the points, 0 to 1. */
  readonly own: number | null;
  readonly mean: number | null;
  readonly median: number | null;
  readonly graded: number;
  readonly maxPoints: number;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { counts, mean, median, own, trans } = props;
  const most = Math.max(1, ...counts);
  const bin =
    own === null
      ? -1
      : Math.min(counts.length - 1, Math.floor(own * counts.length + 1e-9));
  const step = 100 / counts.length;
  return (
    <figure className="labkit-Histogram" aria-label={trans.__('The class')}>
      <ol>
        {counts.map((count, k) => {
          const range = trans.__('%1 to %2 %', k * step, (k + 1) * step);
          const words = trans._n(
            '%2: %1 person',
            '%2: %1 people',
            count,
            range
          );
          return (
            <li
              key={k}
              aria-label={
                k === bin ? trans.__('%1, you among them', words) : words
              }
              title={words}
              data-own={k === bin}
            >
              <span className="labkit-Histogram-count">
                {count > 0 ? count : ''}
              </span>
              <span
                className="labkit-Histogram-bar"
                style={{ height: `${(60 * count) / most}px` }}
              />
              <span className="labkit-Histogram-tick">{k * step}</span>
            </li>
          );
        })}
      </ol>
      <figcaption>
        {trans._n(
          '%1 graded, by % of the points.',
          '%1 graded, by % of the points.',
          props.graded
        )}
        {mean !== null && median !== null && (
          <> {trans.__('Mean %1, median %2.', points(mean), points(median))}</>
        )}
        {bin >= 0 && <> {trans.__('Yours is marked.')}</>}
      </figcaption>
    </figure>
  );
}
