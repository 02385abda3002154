/** What can be done with a run. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { RunItem } from '../wire';
import { hasEnded } from './words';

/** What can be done with a run. */
export interface IRunActions {
  change(run: RunItem, how: 'cancel' | 'retry' | 'resume'): void;
  /** Open a file of the run; a log as text. */
  open(path: string, isText: boolean): void;
  showModel(key: string): void;
  choose(runId: string): void;
}

export function RunButtons(props: {
  readonly run: RunItem;
  readonly isBusy: boolean;
  readonly trans: TranslationBundle;
  readonly actions: IRunActions;
}): React.JSX.Element {
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
  const { log, made, notebook, page } = run;
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
      {page !== null && (
        <a
          className="labkit-Link"
          href={page}
          target="_blank"
          rel="noopener noreferrer"
        >
          {trans.__('Page at the hub')}
        </a>
      )}
    </div>
  );
}
