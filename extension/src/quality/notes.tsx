/** Small parts that several views share: progress, errors, problems. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ProblemItem } from '../wire';

/** How far work is, and a button to give it up. */
export function Working(props: {
  readonly label: string;
  readonly step: readonly [done: number, total: number];
  readonly trans: TranslationBundle;
  readonly onCancel?: () => void;
}): React.JSX.Element {
  const [done, total] = props.step;
  return (
    <p className="labkit-Working" role="status">
      <span>{props.label}</span>
      <progress
        aria-label={props.label}
        {...(total > 0 ? { value: done, max: total } : {})}
      />
      {props.onCancel !== undefined && (
        <button
          type="button"
          className="labkit-Button"
          onClick={props.onCancel}
        >
          {props.trans.__('Cancel')}
        </button>
      )}
    </p>
  );
}

/** What went wrong, in the server's words. */
export function ErrorNote(props: {
  readonly words: readonly [message: string, hint: string] | null;
}): React.JSX.Element | null {
  if (props.words === null) {
    return null;
  }
  const [message, hint] = props.words;
  return (
    <p className="labkit-ErrorNote" role="alert">
      <strong>{message}</strong> {hint}
    </p>
  );
}

/** What could not be done while the rest was. */
export function Problems(props: {
  readonly problems: ReadonlyArray<ProblemItem>;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { problems, trans } = props;
  if (problems.length === 0) {
    return null;
  }
  return (
    <section className="labkit-ErrorNote" role="alert">
      <strong>
        {trans._n(
          '%1 could not be used:',
          '%1 could not be used:',
          problems.length
        )}
      </strong>
      <ul>
        {problems.map((problem, k) => (
          <li key={k}>
            {problem.what}: {problem.message}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A list of remarks, the first of `total`. */
export function Remarks(props: {
  readonly remarks: ReadonlyArray<string>;
  readonly total: number;
  readonly title: string;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { remarks, title, total, trans } = props;
  if (total === 0) {
    return null;
  }
  const more = total - remarks.length;
  return (
    <details className="labkit-Remarks" open>
      <summary>{title}</summary>
      <ul tabIndex={0} aria-label={title}>
        {remarks.map((remark, k) => (
          <li key={k}>{remark}</li>
        ))}
        {more > 0 && <li>{trans.__('… and %1 more', more)}</li>}
      </ul>
    </details>
  );
}
