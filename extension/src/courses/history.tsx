/** What has been handed in for an assignment. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { HistoryList, HistoryRow } from '../wire';
import { lateness, localTime, points } from './words';

const SHOWN_DIGITS = 12;

interface IHistoryProps {
  readonly history: HistoryList;
  readonly timeZone: string;
  readonly trans: TranslationBundle;
  readonly onFeedback: (submission: string) => void;
}

export function HistoryRows(props: IHistoryProps): React.JSX.Element {
  const { history, trans } = props;
  return (
    <ul
      className="labkit-History"
      aria-label={trans.__('What has been handed in')}
    >
      {history.submissions.length === 0 && (
        <li>{trans.__('Nothing has been handed in.')}</li>
      )}
      {history.submissions.map(row => (
        <Row key={row.id} {...props} row={row} />
      ))}
    </ul>
  );
}

function Row(
  props: IHistoryProps & { readonly row: HistoryRow }
): React.JSX.Element {
  const { row, timeZone, trans } = props;
  return (
    <li>
      <p>
        <strong>{trans.__('Attempt %1', row.attempt)}</strong>
        {row.counts && <em> {trans.__('counts')}</em>}
        {' · '}
        {localTime(row.submitted, timeZone)}
        {row.late_s > 0 && <> · {lateness(row.late_s, trans)}</>}
      </p>
      <p className="labkit-Assignment-quiet">
        {standing(row, trans)}
        {' · '}
        <code title={row.sha256}>{row.sha256.slice(0, SHOWN_DIGITS)}…</code>
      </p>
      {row.feedback && (
        <button
          type="button"
          className="labkit-Link"
          onClick={() => props.onFeedback(row.id)}
        >
          {trans.__('Feedback of attempt %1', row.attempt)}
        </button>
      )}
    </li>
  );
}

function standing(row: HistoryRow, trans: TranslationBundle): string {
  if (row.points !== null && row.max_points !== null) {
    return trans.__(
      '%1 of %2 points',
      points(row.points),
      points(row.max_points)
    );
  }
  switch (row.state) {
    case 'submitted':
      return trans.__('handed in');
    case 'queued':
      return trans.__('being graded');
    case 'graded':
      return trans.__('graded; the feedback is not released yet');
    case 'failed':
      return trans.__('could not be graded yet');
  }
}
