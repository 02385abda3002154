/** How far a run is, and what is known of it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { RunItem } from '../wire';
import { type Fact, FactList } from './facts';
import {
  deviceName,
  hasEnded,
  lasted,
  moment,
  progressWords,
  share,
  span
} from './words';

export function RunStand(props: {
  readonly run: RunItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { run, trans } = props;
  const words = progressWords(run, trans);
  if (words.length === 0) {
    return null;
  }
  return (
    <div className="labkit-Runs-stand">
      {!hasEnded(run.state) && share(run) !== null && (
        <progress aria-label={trans.__('Progress')} value={share(run) ?? 0} />
      )}
      <p>{words.join(' · ')}</p>
    </div>
  );
}

export function RunFacts(props: {
  readonly run: RunItem;
  readonly now: number;
  readonly trans: TranslationBundle;
  readonly onChoose: (runId: string) => void;
}): React.JSX.Element {
  const { run, trans } = props;
  const seconds = lasted(run, props.now);
  const facts: Fact[] = [
    [trans.__('Device'), deviceName(run, trans)],
    [trans.__('Model'), run.made ?? run.model],
    [trans.__('Handed in'), moment(run.created)],
    [trans.__('Started'), run.started === null ? '–' : moment(run.started)],
    [trans.__('Time'), seconds === null ? '–' : span(seconds, trans)]
  ];
  if (run.attempt > 1) {
    facts.push([trans.__('Attempt'), String(run.attempt)]);
  }
  const { resumes } = run;
  if (resumes !== null) {
    facts.push([
      trans.__('Follows'),
      <button
        key="resumes"
        type="button"
        className="labkit-Link"
        onClick={() => props.onChoose(resumes)}
      >
        {resumes}
      </button>
    ]);
  }
  facts.push([trans.__('Run'), <code key="id">{run.id}</code>]);
  return <FactList facts={facts} />;
}
