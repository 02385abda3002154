/** What a panel says when its list could not be read. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Trouble } from './model';

export interface ITroubleNoteProps {
  readonly trouble: Trouble;
  /** What to say of the list that is shown, while the server does not answer. */
  readonly old: string;
  readonly onRetry: () => void;
  readonly trans: TranslationBundle;
}

export function TroubleNote(props: ITroubleNoteProps): React.JSX.Element {
  const [message, hint] = wordsOf(props);
  return (
    <div className="labkit-Projects-trouble" role="alert">
      <p>
        <strong>{message}</strong> {hint}
      </p>
      <button
        type="button"
        className="labkit-Button"
        onClick={() => props.onRetry()}
      >
        {props.trans.__('Try again')}
      </button>
    </div>
  );
}

function wordsOf({
  trouble,
  old,
  trans
}: ITroubleNoteProps): [message: string, hint: string] {
  switch (trouble.kind) {
    case 'refused':
      return [trouble.message, trouble.hint];
    case 'unreachable':
      return [trans.__('The server does not answer.'), old];
    case 'no-server-part':
      return [
        trans.__("LabKit's part of the Jupyter server is not running."),
        trans.__(
          'Run "jupyter server extension enable labkit_lab" in the environment of this server, then restart it.'
        )
      ];
  }
}
