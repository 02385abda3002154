/** What came of running the notebooks of an assignment: which tests pass, and where it stopped. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { TrialReport, TriedCell, TriedNotebook } from '../wire';
import { Problems } from './sending';
import type { ICourseActions } from './view';

interface ITrialProps {
  readonly trial: TrialReport;
  readonly actions: ICourseActions;
  readonly trans: TranslationBundle;
}

export function TrialResult(props: ITrialProps): React.JSX.Element {
  const { trans, trial } = props;
  return (
    <section
      className="labkit-Trial"
      data-passed={trial.passed}
      role="status"
      aria-label={trans.__('Validation')}
    >
      {trial.notebooks.map(one => (
        <Notebook key={one.notebook} {...props} one={one} />
      ))}
      {trial.pictures.map(({ objects, path }) => (
        <p key={path}>
          <strong>
            {trans._n('%2: %1 object.', '%2: %1 objects.', objects, path)}
          </strong>
        </p>
      ))}
      <Problems problems={trial.problems} />
      <p className="labkit-Assignment-quiet">
        {trans.__(
          'These are the tests that you can see; there may be more when it is graded.'
        )}
      </p>
    </section>
  );
}

function Notebook(
  props: ITrialProps & { readonly one: TriedNotebook }
): React.JSX.Element {
  const { one, trans } = props;
  const tests = one.cells.filter(({ state }) => state !== 'stopped');
  const passed = tests.filter(({ state }) => state === 'passed').length;
  const faults = one.cells.filter(({ state }) => state !== 'passed');
  return (
    <>
      <p>
        <strong>
          {trans.__(
            '%1: %2 of %3 tests pass.',
            one.notebook,
            passed,
            tests.length
          )}
        </strong>{' '}
        {one.problem}
      </p>
      {faults.length > 0 && (
        <ul>
          {faults.map(cell => (
            <Cell key={cell.index} {...props} cell={cell} />
          ))}
        </ul>
      )}
    </>
  );
}

function Cell(
  props: ITrialProps & {
    readonly one: TriedNotebook;
    readonly cell: TriedCell;
  }
): React.JSX.Element {
  const { actions, cell, one, trans } = props;
  const { path } = one;
  const name =
    cell.grade_id === ''
      ? trans.__('Cell %1', cell.index + 1)
      : trans.__('Cell %1 (%2)', cell.index + 1, cell.grade_id);
  return (
    <li data-state={cell.state}>
      {path === null ? (
        <span>{name}</span>
      ) : (
        <button
          type="button"
          className="labkit-Link"
          title={trans.__('Go to this cell: %1', cell.line)}
          onClick={() => actions.jump(path, cell.index, cell.grade_id)}
        >
          {name}
        </button>
      )}{' '}
      {verb(cell, trans)}
      {cell.message !== '' && <code>{cell.message}</code>}
    </li>
  );
}

function verb(cell: TriedCell, trans: TranslationBundle): string {
  switch (cell.state) {
    case 'failed':
      return trans.__('fails:');
    case 'stopped':
      return trans.__('stops:');
    case 'not-run':
      return trans.__('was not run');
    case 'passed':
      return trans.__('passes');
  }
}
