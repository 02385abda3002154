/** One assignment: what it is, how long is left, what can be done. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Working } from '../quality/notes';
import type { AssignmentEntry, CourseEntry } from '../wire';
import { AuthorPart } from './author';
import { cardButtons } from './cardbuttons';
import { HistoryRows } from './history';
import type { IAside } from './model';
import { TrialResult } from './trial';
import type { ICourseActions } from './view';
import {
  attemptWords,
  lateWords,
  localTime,
  points,
  staffStateWord,
  stateWord,
  timeLeft
} from './words';

const SOON_MS = 24 * 3600 * 1000;

export interface ICardProps {
  readonly entry: AssignmentEntry;
  /** What the person is in the course. */
  readonly role: CourseEntry['role'];
  readonly aside: IAside;
  /** The server's time. */
  readonly now: number;
  readonly actions: ICourseActions;
  readonly trans: TranslationBundle;
}

export function AssignmentCard(props: ICardProps): React.JSX.Element {
  const { aside, entry, role, trans } = props;
  const isStaff = role !== 'student';
  return (
    <li
      className="labkit-Project labkit-Assignment"
      aria-label={entry.name}
      aria-busy={aside.busy !== undefined && aside.busy !== ''}
    >
      <div className="labkit-Assignment-head">
        <h4>{entry.name}</h4>
        <span
          className="labkit-Assignment-state"
          data-state={isStaff ? 'staff' : entry.state}
        >
          {isStaff ? staffStateWord(entry, trans) : stateWord(entry, trans)}
        </span>
      </div>
      {entry.title !== '' && entry.title !== entry.name && (
        <p className="labkit-Assignment-title">{entry.title}</p>
      )}
      <Facts {...props} />
      {isStaff ? (
        <>
          <AuthorPart {...props} />
          <details open={entry.fetched > 0}>
            <summary>{trans.__('As a student')}</summary>
            <Buttons {...props} />
          </details>
        </>
      ) : (
        <Buttons {...props} />
      )}
      <Aside {...props} />
    </li>
  );
}

function Facts(props: ICardProps): React.JSX.Element {
  const { entry, role, trans } = props;
  const attempts = attemptWords(entry, trans);
  return (
    <div className="labkit-Assignment-facts">
      <Due {...props} />
      {entry.group.length > 0 && (
        <p>{trans.__('Handed in together by %1.', entry.group.join(', '))}</p>
      )}
      {attempts !== '' && <p>{attempts}</p>}
      {entry.submitted !== null && (
        <p>
          {trans.__(
            'Handed in %1.',
            localTime(entry.submitted, entry.time_zone)
          )}
        </p>
      )}
      {entry.points !== null && (
        <p>
          <strong>
            {trans.__(
              '%1 of %2 points',
              points(entry.points),
              points(entry.max_points)
            )}
          </strong>
        </p>
      )}
      {role !== 'student' && <ForStaff entry={entry} trans={trans} />}
      {entry.release > entry.fetched && entry.fetched > 0 && (
        <p className="labkit-Assignment-news">
          {trans.__(
            'There is a newer release (%1). Fetch it: what you have changed stays.',
            entry.release
          )}
        </p>
      )}
    </div>
  );
}

/** How far the class is, and the way to the page on which it is graded. */
function ForStaff(props: {
  readonly entry: AssignmentEntry;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { entry, trans } = props;
  const words = entry.draft
    ? trans.__('A draft: students see it when it is released.')
    : entry.submissions === 0
      ? noStudent(entry, trans)
      : trans.__(
          '%1 handed in, %2 to be graded.',
          entry.submissions,
          entry.waiting
        );
  return (
    <p>
      {words}{' '}
      <a
        className="labkit-Link"
        href={entry.page}
        target="_blank"
        rel="noopener noreferrer"
        aria-label={trans.__('Open its page: %1', entry.name)}
      >
        {trans.__('Open its page')}
      </a>
    </p>
  );
}

/** What staff try out is to be graded, too, and is no student's. */
function noStudent(entry: AssignmentEntry, trans: TranslationBundle): string {
  return entry.waiting === 0
    ? trans.__('No student has handed in yet.')
    : trans.__(
        'No student has handed in yet; %1 of others to be graded.',
        entry.waiting
      );
}

function Due({ entry, now, trans }: ICardProps): React.JSX.Element {
  if (entry.due === null) {
    return <p>{trans.__('No due time.')}</p>;
  }
  const left = Date.parse(entry.due) - now;
  const isOpen = entry.state === 'to-fetch' || entry.state === 'working';
  const urgency = !isOpen
    ? ''
    : left < 0
      ? 'over'
      : left < SOON_MS
        ? 'soon'
        : '';
  return (
    <>
      <p>
        {trans.__('Due %1', localTime(entry.due, entry.time_zone))}
        {' · '}
        <span className="labkit-Assignment-left" data-urgency={urgency}>
          {timeLeft(entry.due, now, trans)}
        </span>
      </p>
      <p className="labkit-Assignment-quiet">
        {entry.time_zone}
        {entry.extended && trans.__(', extended for you')}
        {'. '}
        {lateWords(entry, trans)}
      </p>
    </>
  );
}

function Buttons(props: ICardProps): React.JSX.Element {
  const { actions, aside, entry, role, trans } = props;
  const isThere = entry.fetched > 0;
  const canFetch = entry.release > entry.fetched;
  const isUsed = entry.attempts_used > 0 || entry.submitted !== null;
  const noneLeft =
    entry.attempts !== null && entry.attempts_used >= entry.attempts;
  const button = cardButtons(props);
  return (
    <div className="labkit-Assignment-buttons">
      {!isThere &&
        button(
          trans.__('Fetch'),
          () => actions.fetch(entry),
          entry.state === 'to-fetch' && role === 'student',
          !canFetch
        )}
      {isThere && button(trans.__('Open'), () => actions.open(entry))}
      {isThere &&
        button(
          canFetch ? trans.__('Fetch new release') : trans.__('Fetch again'),
          () => actions.fetch(entry),
          false
        )}
      {isThere && button(trans.__('Validate'), () => actions.validate(entry))}
      {isThere &&
        button(
          trans.__('Submit'),
          () => actions.submit(entry),
          entry.state === 'working',
          entry.closed || noneLeft
        )}
      {isUsed &&
        button(
          aside.history ? trans.__('Hide history') : trans.__('History'),
          () => actions.history(entry)
        )}
      {entry.state === 'feedback' &&
        button(trans.__('Feedback'), () => actions.feedback(entry, ''), true)}
    </div>
  );
}

/** What is going on with it, and what came of it. */
function Aside(props: ICardProps): React.JSX.Element | null {
  const { actions, aside, entry, trans } = props;
  const { busy, history, told, trial, trying } = aside;
  return (
    <>
      {trying ? (
        <Working
          label={trans.__('Running the notebooks…')}
          step={[trying.done, trying.total]}
          trans={trans}
          onCancel={trying.stop}
        />
      ) : (
        busy && (
          <p className="labkit-Assignment-told" role="status">
            {busy}
          </p>
        )
      )}
      {told && told.length > 0 && (
        <div className="labkit-Assignment-told" role="status">
          {told.map((line, k) => (
            <p key={k}>{line}</p>
          ))}
        </div>
      )}
      {trial && <TrialResult trial={trial} actions={actions} trans={trans} />}
      {history && (
        <HistoryRows
          history={history}
          timeZone={entry.time_zone}
          trans={trans}
          onFeedback={submission => actions.feedback(entry, submission)}
        />
      )}
    </>
  );
}
