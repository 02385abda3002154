/** What a model proposes: to be judged one by one or all at once, and asked for. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Easel } from './easel';
import { acceptAll, chooseNextProposal, judge, proposalsOf } from './judging';
import type { IProposingMessage } from './protocol';

export interface IProposalsProps {
  readonly easel: Easel;
  readonly trans: TranslationBundle;
}

export function Proposals(props: IProposalsProps): React.JSX.Element {
  const { easel, trans } = props;
  const count = proposalsOf(easel).length;
  return (
    <section
      className="labkit-Annotator-proposals"
      aria-label={trans.__('Proposals')}
    >
      <h3>{trans._n('%1 proposal', '%1 proposals', count)}</h3>
      {count > 0 && <Verdicts {...props} />}
      <AskModel {...props} />
    </section>
  );
}

function Verdicts({ easel, trans }: IProposalsProps): React.JSX.Element {
  const isNone = !easel.chosen.some(({ head }) => head.status === 'proposed');
  return (
    <div role="group" aria-label={trans.__('Judge proposals')}>
      <button
        type="button"
        className="labkit-Button"
        title={trans.__('Go to the next proposal (N)')}
        onClick={() => chooseNextProposal(easel)}
      >
        {trans.__('Next')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        disabled={isNone}
        title={trans.__('Accept the chosen proposal, and go to the next (Y)')}
        onClick={() => judge(easel, 'accept')}
      >
        {trans.__('Accept')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        disabled={isNone}
        title={trans.__('Reject the chosen proposal, and go to the next (R)')}
        onClick={() => judge(easel, 'reject')}
      >
        {trans.__('Reject')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        title={trans.__('Accept all proposals (Shift+Y)')}
        onClick={() => acceptAll(easel)}
      >
        {trans.__('Accept all')}
      </button>
    </div>
  );
}

function AskModel({ easel, trans }: IProposalsProps): React.JSX.Element {
  const { session } = easel;
  const { models } = session.options;
  const [wanted, setWanted] = React.useState('');
  const model = models.includes(wanted) ? wanted : models[0];
  if (session.proposing.state === 'running') {
    return <AtWork easel={easel} trans={trans} />;
  }
  return (
    <>
      {model === undefined ? (
        <details>
          <summary>{trans.__('From a model')}</summary>
          {trans.__(
            'A model can propose objects. This project has none: train one with “labkit train”.'
          )}
          <button
            type="button"
            className="labkit-Button"
            onClick={() => session.askOptions()}
          >
            {trans.__('Look again')}
          </button>
        </details>
      ) : (
        <div role="group" aria-label={trans.__('Proposals from a model')}>
          <select
            aria-label={trans.__('Model')}
            value={model}
            onFocus={() => session.askOptions()}
            onChange={event => setWanted(event.target.value)}
          >
            {models.map(key => (
              <option key={key}>{key}</option>
            ))}
          </select>
          <button
            type="button"
            className="labkit-Button"
            title={trans.__('Let this model look for objects in this picture')}
            onClick={() => session.propose(model)}
          >
            {trans.__('Propose')}
          </button>
        </div>
      )}
      <p aria-live="polite">{endOf(session.proposing, trans)}</p>
    </>
  );
}

function AtWork({ easel, trans }: IProposalsProps): React.JSX.Element {
  const { model = '', stage, done = 0, total = 0 } = easel.session.proposing;
  const words =
    stage === 'propose'
      ? trans.__('Outlining what %1 found', model)
      : trans.__('%1 looks at the picture', model);
  return (
    <div role="group" aria-label={trans.__('Proposals from a model')}>
      <progress
        aria-label={words}
        max={total || 1}
        {...(total > 0 ? { value: done } : {})}
      />
      <button
        type="button"
        className="labkit-Button"
        onClick={() => easel.session.stopProposing()}
      >
        {trans.__('Stop')}
      </button>
      <p aria-live="polite">{words}</p>
    </div>
  );
}

function endOf(told: IProposingMessage, trans: TranslationBundle): string {
  switch (told.state) {
    case 'done':
      return trans._n('%1 new proposal', '%1 new proposals', told.count ?? 0);
    case 'failed':
      return `${told.message ?? ''} ${told.hint ?? ''}`;
    case 'stopped':
      return trans.__('Stopped; nothing was added.');
    case 'idle':
    case 'running':
      return '';
  }
}
