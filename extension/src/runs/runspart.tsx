/** The part of the tab with the runs: the list, and the chosen run or the comparison of those that are marked. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import type { RunItem } from '../wire';
import { Comparison } from './compare';
import { CompareButton } from './comparebutton';
import { RunDetail } from './detail';
import { RunRows } from './list';
import type { RunsModel } from './model';
import type { IRunActions } from './runbuttons';

export interface IRunsPartProps {
  readonly model: RunsModel;
  readonly marked: ReadonlySet<string>;
  readonly isComparing: boolean;
  readonly isBusy: boolean;
  readonly trans: TranslationBundle;
  readonly actions: IRunActions;
  readonly onCompare: (isComparing: boolean) => void;
  readonly onMark: (run: RunItem, isMarked: boolean) => void;
  readonly onMove: (run: RunItem, place: number) => void;
}

export function RunsPart(props: IRunsPartProps): React.JSX.Element {
  const { trans } = props;
  const { error, list } = props.model;
  return (
    <>
      <ErrorNote words={error === null ? null : errorWords(error, trans)} />
      {list === null && error === null && (
        <p role="status">{trans.__('Reading the runs…')}</p>
      )}
      {list !== null && list.hub_problem !== '' && (
        <p className="labkit-Runs-quiet" role="status">
          {trans.__(
            'Runs of the hub are shown as they were last seen. %1',
            list.hub_problem
          )}
        </p>
      )}
      {list?.runs.length === 0 && (
        <p>
          {trans.__(
            'Nothing has been trained yet. Build a training set, then start a run with the button above.'
          )}
        </p>
      )}
      {list !== null && list.runs.length > 0 && (
        <Columns {...props} runs={list.runs} />
      )}
    </>
  );
}

function Columns(
  props: IRunsPartProps & { readonly runs: ReadonlyArray<RunItem> }
): React.JSX.Element {
  const { model, runs, trans } = props;
  const now = Date.now() + model.clockAheadMs;
  const marked = runs.filter(run => props.marked.has(run.id));
  const isComparing = props.isComparing && marked.length > 1;
  return (
    <div className="labkit-Runs-columns">
      <div className="labkit-Runs-side">
        <CompareButton
          count={marked.length}
          isComparing={isComparing}
          trans={trans}
          onClick={() => props.onCompare(!isComparing)}
        />
        <RunRows
          runs={runs}
          chosen={isComparing ? null : model.chosen}
          marked={props.marked}
          now={now}
          trans={trans}
          onChoose={run => props.actions.choose(run.id)}
          onMark={props.onMark}
          onMove={props.onMove}
        />
      </div>
      {isComparing ? (
        <section
          className="labkit-RunDetail"
          aria-label={trans.__('Comparison')}
        >
          <Comparison
            api={model.api}
            projectId={model.projectId}
            asked={{ runs: marked.map(({ id }) => id) }}
            trans={trans}
          />
        </section>
      ) : (
        <ChosenRun {...props} now={now} />
      )}
    </div>
  );
}

function ChosenRun(
  props: IRunsPartProps & { readonly now: number }
): React.JSX.Element | null {
  const { api, follower } = props.model;
  return (
    follower && (
      <RunDetail
        key={follower.run.runId}
        story={follower.story}
        silence={follower.silence}
        samplesUrl={mark => api.runs.samplesUrl(follower.run, mark)}
        now={props.now}
        isBusy={props.isBusy}
        trans={props.trans}
        actions={props.actions}
      />
    )
  );
}
