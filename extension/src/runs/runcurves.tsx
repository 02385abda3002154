/** The curves of one run, those of a kind in one chart. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Chart } from './chart';
import { type Curves, groupsOf } from './curves';
import { groupTitle, isShare, metricWord } from './metrics';

const LOG_SCALED = new Set(['loss', 'train_loss', 'val_loss', 'learning_rate']);
const PLACES: Readonly<Record<string, number>> = {
  loss: 0,
  train_loss: 0,
  val_loss: 1,
  val_iou: 1
};

/** The curves of one run, those of a kind in one chart. */
export function RunCurves(props: {
  readonly curves: Curves;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { curves, trans } = props;
  const groups = groupsOf([...curves.keys()]);
  if (groups.length === 0) {
    return null;
  }
  return (
    <div className="labkit-Charts">
      {groups.map(group => (
        <Chart
          key={group.join()}
          title={groupTitle(group, trans)}
          xLabel={trans.__('step')}
          mayLog={group.some(name => LOG_SCALED.has(name))}
          isShare={group.some(name => isShare(name))}
          trans={trans}
          series={group.map(name => ({
            key: name,
            label: metricWord(name, trans),
            place: PLACES[name] ?? 0,
            isFaint: name === 'loss',
            points: curves.get(name) ?? []
          }))}
        />
      ))}
    </div>
  );
}
