/** What the card of an assignment has for who writes it: check, preview, test, release. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Working } from '../quality/notes';
import type {
  AssignmentEntry,
  AuthorProblem,
  CheckedReport,
  CourseEntry,
  TestedReport,
  TestedRow
} from '../wire';
import type { ICardProps } from './card';
import { cardButtons } from './cardbuttons';
import type { ITesting } from './model';
import { points } from './words';

/** What an author can ask for. */
export interface IAuthorActions {
  /** Make an assignment in a course. */
  create(course: CourseEntry): void;
  /** Say in which folder an assignment is written. */
  choose(entry: AssignmentEntry): void;
  openFolder(entry: AssignmentEntry): void;
  check(entry: AssignmentEntry): void;
  /** Write what students get, and open it. */
  preview(entry: AssignmentEntry): void;
  /** Grade it with its own solution. */
  test(entry: AssignmentEntry): void;
  release(entry: AssignmentEntry): void;
}

export function AuthorPart(props: ICardProps): React.JSX.Element | null {
  const { actions, aside, entry, role, trans } = props;
  const { authored } = entry;
  if (authored === null) {
    return role === 'professor' ? <NoFolder {...props} /> : null;
  }
  const { checked, tested, testing } = aside;
  return (
    <section
      className="labkit-Author"
      aria-label={trans.__('Writing %1', entry.name)}
    >
      <p className="labkit-Assignment-quiet">
        {trans.__('Written in')}{' '}
        <button
          type="button"
          className="labkit-Link"
          title={trans.__('Show this folder')}
          onClick={() => actions.author.openFolder(entry)}
        >
          {authored.place}
        </button>
      </p>
      <AuthorButtons {...props} />
      {testing && (
        <Working
          label={testingWords(testing, trans)}
          step={[testing.done, testing.total]}
          trans={trans}
          onCancel={testing.stop}
        />
      )}
      {checked && <Checked {...props} checked={checked} />}
      {tested && <Tested {...props} tested={tested} />}
    </section>
  );
}

/** How far the test with the solution is, in words. */
function testingWords(testing: ITesting, trans: TranslationBundle): string {
  const { done, total, unit } = testing;
  if (total === 0) {
    return trans.__('Grading its own solution…');
  }
  return unit === 'checks'
    ? trans._n(
        'Grading its own solution: %2 of %1 check',
        'Grading its own solution: %2 of %1 checks',
        total,
        done
      )
    : trans._n(
        'Grading its own solution: %2 of %1 cell',
        'Grading its own solution: %2 of %1 cells',
        total,
        done
      );
}

function NoFolder({ actions, entry, trans }: ICardProps): React.JSX.Element {
  return (
    <p className="labkit-Assignment-quiet">
      {trans.__('It is not written in a folder of this home that is known.')}{' '}
      <button
        type="button"
        className="labkit-Link"
        aria-label={trans.__('Choose the folder of %1', entry.name)}
        onClick={() => actions.author.choose(entry)}
      >
        {trans.__('Choose its folder…')}
      </button>
    </p>
  );
}

function AuthorButtons(props: ICardProps): React.JSX.Element {
  const { actions, entry, role, trans } = props;
  const { author } = actions;
  const button = cardButtons(props);
  return (
    <div className="labkit-Assignment-buttons">
      {button(trans.__('Check'), () => author.check(entry))}
      {button(trans.__('Preview as student'), () => author.preview(entry))}
      {button(trans.__('Test with the solution'), () => author.test(entry))}
      {role === 'professor' &&
        button(
          trans.__('Release…'),
          () => author.release(entry),
          entry.release === 0
        )}
    </div>
  );
}

/** What has just come is seen, however long the list of assignments is. */
function useInSight(news: unknown): React.RefObject<HTMLElement> {
  const part = React.useRef<HTMLElement>(null);
  React.useEffect(() => {
    part.current?.scrollIntoView({ block: 'nearest' });
  }, [news]);
  return part;
}

/** What is wrong with it, and where. */
function Checked(
  props: ICardProps & { readonly checked: CheckedReport }
): React.JSX.Element {
  const { checked, trans } = props;
  const { errors, problems } = checked;
  const warnings = problems.length - errors;
  return (
    <section
      ref={useInSight(checked)}
      className="labkit-Trial"
      data-passed={errors === 0}
      role="status"
      aria-label={trans.__('Check')}
    >
      <p>
        <strong>{checkedWords(errors, warnings, trans)}</strong>{' '}
        {pointWords(checked, trans)}
      </p>
      {problems.length > 0 && (
        <ul>
          {problems.map((problem, k) => (
            <ProblemRow key={k} {...props} problem={problem} />
          ))}
        </ul>
      )}
    </section>
  );
}

function checkedWords(
  errors: number,
  warnings: number,
  trans: TranslationBundle
): string {
  if (errors > 0) {
    return trans._n(
      '%1 error keeps it from being released.',
      '%1 errors keep it from being released.',
      errors
    );
  }
  return warnings > 0
    ? trans._n(
        'It can be released, with %1 warning.',
        'It can be released, with %1 warnings.',
        warnings
      )
    : trans.__('Nothing is wrong with it.');
}

/** How many points there are, and of whom. */
export function pointWords(
  checked: CheckedReport,
  trans: TranslationBundle
): string {
  const { by_hand, max_points } = checked;
  return by_hand > 0
    ? trans.__(
        '%1 points, %2 of them by hand.',
        points(max_points),
        points(by_hand)
      )
    : trans.__('%1 points.', points(max_points));
}

function ProblemRow(
  props: ICardProps & { readonly problem: AuthorProblem }
): React.JSX.Element {
  const { actions, problem, trans } = props;
  const { grade_id, hint, index, path, severity, text, where } = problem;
  return (
    <li data-severity={severity}>
      {severity === 'warning' ? trans.__('Warning') : trans.__('Error')}
      {where !== '' && ' · '}
      {path === null ? (
        <span>{where}</span>
      ) : (
        <button
          type="button"
          className="labkit-Link"
          title={trans.__('Go there')}
          onClick={() => actions.jump(path, index ?? 0, grade_id)}
        >
          {where}
        </button>
      )}
      <p>
        {text} <span className="labkit-Author-hint">{hint}</span>
      </p>
    </li>
  );
}

/** What its own solution earned. */
function Tested(
  props: ICardProps & { readonly tested: TestedReport }
): React.JSX.Element {
  const { tested, trans } = props;
  return (
    <section
      ref={useInSight(tested)}
      className="labkit-Trial labkit-Tested"
      data-passed={tested.full}
      role="status"
      aria-label={trans.__('Test with the solution')}
    >
      <p>
        <strong>{testedWords(tested, trans)}</strong>{' '}
        {trans.__('It took %1 s.', tested.seconds.toFixed(1))}
      </p>
      {tested.rows.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{trans.__('Item')}</th>
              <th scope="col">{trans.__('Points')}</th>
            </tr>
          </thead>
          <tbody>
            {tested.rows.map((row, k) => (
              <TestedItem key={k} {...props} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {tested.notes.map((note, k) => (
        <p key={k}>{note}</p>
      ))}
    </section>
  );
}

function testedWords(tested: TestedReport, trans: TranslationBundle): string {
  if (tested.failed) {
    return trans.__('It could not be graded.');
  }
  return tested.full
    ? trans.__('The solution earns all that is scored without a person.')
    : trans.__('The solution does not earn all points: mend it, or the test.');
}

function TestedItem(
  props: ICardProps & { readonly row: TestedRow }
): React.JSX.Element {
  const { actions, row, trans } = props;
  const { grade_id, max_points, note, path, points: earned, title } = row;
  const isLess = earned !== null && earned < max_points;
  return (
    <tr data-less={isLess}>
      <td>
        {path === null ? (
          title
        ) : (
          <button
            type="button"
            className="labkit-Link"
            title={trans.__('Go to this cell')}
            onClick={() => actions.jump(path, 0, grade_id)}
          >
            {title}
          </button>
        )}
        {isLess && note !== '' && <code>{note}</code>}
      </td>
      <td>
        {earned === null
          ? trans.__('by hand, of %1', points(max_points))
          : trans.__('%1 of %2', points(earned), points(max_points))}
      </td>
    </tr>
  );
}
