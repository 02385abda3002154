/** What would be done by a run that is being asked for. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ErrorNote } from '../quality/notes';
import type { PlanReply } from '../wire';
import { FactList } from './facts';
import { planFacts } from './planwords';

/** Sizes, steps, memory and warnings, before anything is started. */
export function Plan(props: {
  readonly reply: PlanReply | null;
  readonly isCurrent: boolean;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { isCurrent, reply, trans } = props;
  const plan = reply?.plan ?? null;
  const general = reply?.problems.filter(({ field }) => field === '') ?? [];
  return (
    <section
      className="labkit-Plan"
      aria-label={trans.__('Plan')}
      aria-busy={!isCurrent}
    >
      <h4>{trans.__('Plan')}</h4>
      {general.map(({ message, hint }) => (
        <ErrorNote key={message} words={[message, hint]} />
      ))}
      {reply === null && <p>{trans.__('Working it out…')}</p>}
      {reply !== null && plan === null && general.length === 0 && (
        <p>{trans.__('Mend what is marked above.')}</p>
      )}
      {plan !== null && (
        <>
          <FactList facts={planFacts(plan, trans)} />
          {plan.warnings.map(warning => (
            <p key={warning} className="labkit-Runs-reason">
              {warning}
            </p>
          ))}
        </>
      )}
    </section>
  );
}
