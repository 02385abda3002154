/** The runs of a project, walked through with the arrow keys. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { RunItem } from '../wire';
import {
  deviceName,
  hasEnded,
  lasted,
  moment,
  progressWords,
  share,
  span,
  standing,
  STATE_SIGNS
} from './words';

export interface IRunListProps {
  readonly runs: ReadonlyArray<RunItem>;
  readonly chosen: string | null;
  /** Which runs are to be compared. */
  readonly marked: ReadonlySet<string>;
  /** The server's time. */
  readonly now: number;
  readonly trans: TranslationBundle;
  readonly onChoose: (run: RunItem) => void;
  readonly onMark: (run: RunItem, isMarked: boolean) => void;
  readonly onMove: (run: RunItem, place: number) => void;
}

export function RunRows(props: IRunListProps): React.JSX.Element {
  const { chosen, runs, trans } = props;
  const reachable = runs.some(run => run.id === chosen) ? chosen : runs[0]?.id;
  return (
    <ul
      className="labkit-Runs-list"
      aria-label={trans.__('Runs')}
      onKeyDown={walk}
    >
      {runs.map(run => (
        <RunRow
          key={run.id}
          {...props}
          run={run}
          isReachable={run.id === reachable}
        />
      ))}
    </ul>
  );
}

function RunRow(
  props: IRunListProps & {
    readonly run: RunItem;
    readonly isReachable: boolean;
  }
): React.JSX.Element {
  const { run, trans } = props;
  const isChosen = run.id === props.chosen;
  return (
    <li data-run-id={run.id} aria-current={isChosen}>
      <input
        type="checkbox"
        aria-label={trans.__(
          'Compare %1 of %2',
          run.title,
          moment(run.created)
        )}
        title={trans.__('Choose for a comparison')}
        checked={props.marked.has(run.id)}
        onChange={event => props.onMark(run, event.currentTarget.checked)}
      />
      <button
        type="button"
        className="labkit-Runs-row"
        aria-current={isChosen}
        tabIndex={props.isReachable ? 0 : -1}
        onClick={() => props.onChoose(run)}
      >
        <span className="labkit-Runs-title">
          {run.title}
          {run.made !== null && <em> → {run.made}</em>}
        </span>
        <StateMark run={run} trans={trans} />
        <small>{detail(run, props.now, trans)}</small>
        {!hasEnded(run.state) && share(run) !== null && (
          <progress
            aria-label={trans.__('Progress of %1', run.title)}
            value={share(run) ?? 0}
          />
        )}
      </button>
      {run.place !== null && (
        <span className="labkit-Runs-move">
          <MoveButton {...props} by={-1} />
          <MoveButton {...props} by={1} />
        </span>
      )}
    </li>
  );
}

/** A sign and a word. */
export function StateMark(props: {
  readonly run: RunItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { run, trans } = props;
  return (
    <span className="labkit-RunState" data-run-state={run.state}>
      <span aria-hidden="true">{STATE_SIGNS[run.state]}</span>
      {standing(run, trans)}
    </span>
  );
}

function MoveButton(
  props: IRunListProps & { readonly run: RunItem; readonly by: 1 | -1 }
): React.JSX.Element {
  const { by, run, trans } = props;
  const place = (run.place ?? 0) + by;
  const label =
    by < 0
      ? trans.__('Move %1 up in the queue', run.title)
      : trans.__('Move %1 down in the queue', run.title);
  const icon = by < 0 ? caretUpIcon : caretDownIcon;
  return (
    <button
      type="button"
      className="labkit-IconButton"
      aria-label={label}
      title={label}
      disabled={place < 0 || place >= run.waiting}
      onClick={() => props.onMove(run, place)}
    >
      <icon.react tag="span" />
    </button>
  );
}

function detail(run: RunItem, now: number, trans: TranslationBundle): string {
  const seconds = lasted(run, now);
  const words = [deviceName(run, trans), moment(run.started ?? run.created)];
  if (run.waits_for !== '') {
    words.unshift(run.waits_for);
  }
  if (seconds !== null) {
    words.push(span(seconds, trans));
  }
  if (run.state === 'running') {
    words.push(...progressWords(run, trans).slice(0, 1));
  }
  return words.join(' · ');
}

/** Arrow keys, Home and End go from row to row. */
function walk(event: React.KeyboardEvent<HTMLUListElement>): void {
  const rows = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('.labkit-Runs-row')
  ];
  const here = rows.findIndex(row => row === document.activeElement);
  const last = rows.length - 1;
  const next: Readonly<Record<string, number>> = {
    ArrowDown: Math.min(here + 1, last),
    ArrowUp: Math.max(here - 1, 0),
    Home: 0,
    End: last
  };
  const place = next[event.key];
  if (here >= 0 && place !== undefined) {
    event.preventDefault();
    rows[place]?.focus();
  }
}
