/** One run, live: how far it is, its curves, what it sees, and what can be done with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ErrorNote } from '../quality/notes';
import type { ISilence, IStory } from './follower';
import { StateMark } from './list';
import { type IRunActions, RunButtons } from './runbuttons';
import { RunCurves } from './runcurves';
import { RunFacts, RunStand } from './runfacts';

export interface IDetailProps {
  readonly story: IStory | null;
  readonly silence: ISilence | null;
  readonly samplesUrl: (mark: string) => string;
  readonly now: number;
  readonly isBusy: boolean;
  readonly trans: TranslationBundle;
  readonly actions: IRunActions;
}

export function RunDetail(props: IDetailProps): React.JSX.Element {
  const { story, trans } = props;
  return (
    <section className="labkit-RunDetail" aria-label={trans.__('Chosen run')}>
      <Silence silence={props.silence} trans={trans} />
      {story === null ? (
        props.silence === null && (
          <p role="status">{trans.__('Reading the run…')}</p>
        )
      ) : (
        <Told {...props} story={story} />
      )}
    </section>
  );
}

function Silence(props: {
  readonly silence: ISilence | null;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { silence, trans } = props;
  if (silence === null) {
    return null;
  }
  return (
    <ErrorNote
      words={
        silence.words ?? [
          trans.__('The server does not answer.'),
          trans.__(
            'What you see is the last that was heard. It goes on by itself as soon as the server is back; a run does not need this page.'
          )
        ]
      }
    />
  );
}

function Told(
  props: IDetailProps & { readonly story: IStory }
): React.JSX.Element {
  const { story, trans } = props;
  const { run, samples, warnings, lines } = story.latest;
  return (
    <>
      <header>
        <h3>{run.title}</h3>
        <StateMark run={run} trans={trans} />
      </header>
      <RunStand run={run} trans={trans} />
      {run.silent && (
        <p className="labkit-Runs-reason">
          {trans.__(
            'Nothing has been heard of this run for half a minute. It may be at something long, or its machine may be busy.'
          )}
        </p>
      )}
      {run.waits_for !== '' && (
        <p className="labkit-Runs-reason">{run.waits_for}</p>
      )}
      {run.reason !== '' && (
        <p
          className="labkit-Runs-reason"
          data-bad={run.state === 'failed' || run.state === 'lost'}
        >
          {run.reason}
        </p>
      )}
      <RunButtons
        run={run}
        isBusy={props.isBusy}
        trans={trans}
        actions={props.actions}
      />
      {warnings.length > 0 && (
        <section
          className="labkit-Runs-warnings"
          aria-label={trans.__('Warnings')}
        >
          <h4>{trans.__('Warnings')}</h4>
          <ul>
            {warnings.map((warning, k) => (
              <li key={k}>{warning}</li>
            ))}
          </ul>
        </section>
      )}
      <RunCurves curves={story.curves} trans={trans} />
      {samples !== null && (
        <figure className="labkit-Runs-samples">
          <figcaption>
            <h4>{trans.__('Samples')}</h4>
            {trans.__(
              'Validation tiles: the picture, what people drew, what the model says.'
            )}
          </figcaption>
          <img
            src={props.samplesUrl(samples)}
            alt={trans.__('Sample predictions after epoch %1', run.epoch)}
          />
        </figure>
      )}
      <RunFacts
        run={run}
        now={props.now}
        trans={trans}
        onChoose={runId => props.actions.choose(runId)}
      />
      {lines.length > 0 && (
        <section aria-label={trans.__('Last lines of the log')}>
          <h4>{trans.__('Last lines of the log')}</h4>
          <pre className="labkit-Runs-lines" tabIndex={0}>
            {lines.join('\n')}
          </pre>
        </section>
      )}
    </>
  );
}
