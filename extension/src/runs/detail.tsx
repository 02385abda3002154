/** One run, live: how far it is, its curves, what it sees, and what can be done with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ErrorNote } from '../quality/notes';
import type { RunItem } from '../wire';
import { Chart } from './chart';
import { type Curves, groupsOf } from './curves';
import type { ISilence, IStory } from './follower';
import { StateMark } from './list';
import {
  hasEnded,
  lasted,
  metricWord,
  moment,
  progressWords,
  share,
  span
} from './words';

/** What can be done with a run. */
export interface IRunActions {
  change(run: RunItem, how: 'cancel' | 'retry' | 'resume'): void;
  /** Open a file of the run; a log as text. */
  open(path: string, isText: boolean): void;
  showModel(key: string): void;
  choose(runId: string): void;
}

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
      <Stand run={run} trans={trans} />
      {run.silent && (
        <p className="labkit-Runs-reason">
          {trans.__(
            'Nothing has been heard of this run for half a minute. It may be at something long, or its machine may be busy.'
          )}
        </p>
      )}
      {run.reason !== '' && (
        <p
          className="labkit-Runs-reason"
          data-bad={run.state === 'failed' || run.state === 'lost'}
        >
          {run.reason}
        </p>
      )}
      <Buttons {...props} run={run} />
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
      <Facts {...props} run={run} />
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

function Stand(props: {
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

function Buttons(
  props: IDetailProps & { readonly run: RunItem }
): React.JSX.Element {
  const { actions, isBusy, run, trans } = props;
  const ended = hasEnded(run.state);
  const button = (
    label: string,
    onClick: () => void,
    primary = false
  ): React.JSX.Element => (
    <button
      type="button"
      className={'labkit-Button' + (primary ? ' labkit-mod-primary' : '')}
      disabled={isBusy}
      onClick={onClick}
    >
      {label}
    </button>
  );
  const { log, made, notebook } = run;
  const isStopped = ended && run.state !== 'done';
  return (
    <div className="labkit-Runs-buttons">
      {!ended &&
        run.state !== 'cancelling' &&
        button(trans.__('Cancel'), () => actions.change(run, 'cancel'))}
      {isStopped &&
        run.can_resume &&
        button(trans.__('Resume'), () => actions.change(run, 'resume'), true)}
      {ended &&
        button(trans.__('Run again'), () => actions.change(run, 'retry'))}
      {made !== null &&
        button(
          trans.__('Use model %1', made),
          () => actions.showModel(made),
          true
        )}
      {notebook !== null &&
        button(trans.__('Open notebook'), () => actions.open(notebook, false))}
      {log !== null &&
        button(trans.__('Open log'), () => actions.open(log, true))}
    </div>
  );
}

function Facts(
  props: IDetailProps & { readonly run: RunItem }
): React.JSX.Element {
  const { actions, run, trans } = props;
  const seconds = lasted(run, props.now);
  const facts: Array<readonly [string, React.ReactNode]> = [
    [trans.__('Device'), run.device],
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
        onClick={() => actions.choose(resumes)}
      >
        {resumes}
      </button>
    ]);
  }
  facts.push([trans.__('Run'), <code key="id">{run.id}</code>]);
  return (
    <dl className="labkit-Facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

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

export function isShare(name: string): boolean {
  return /dice|iou/.test(name);
}

export function groupTitle(
  group: ReadonlyArray<string>,
  trans: TranslationBundle
): string {
  const [name = ''] = group;
  if (group.some(one => one.includes('loss'))) {
    return trans.__('Loss');
  }
  if (isShare(name)) {
    return trans.__('Score');
  }
  const word = metricWord(name, trans);
  return word.charAt(0).toUpperCase() + word.slice(1);
}
