/** The head of the tab: whose runs these are, and what can be done with all of them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

export function Header(props: {
  readonly title: string;
  readonly trans: TranslationBundle;
  readonly onNew: () => void;
  readonly onRefresh: () => void;
}): React.JSX.Element {
  const { trans } = props;
  return (
    <header>
      <h2>{trans.__('Runs of %1', props.title)}</h2>
      <button
        type="button"
        className="labkit-Button labkit-mod-primary"
        onClick={props.onNew}
      >
        <addIcon.react tag="span" aria-hidden="true" />
        {trans.__('New run')}
      </button>
      <button
        type="button"
        className="labkit-IconButton"
        title={trans.__('Refresh')}
        aria-label={trans.__('Refresh')}
        onClick={props.onRefresh}
      >
        <refreshIcon.react tag="span" />
      </button>
    </header>
  );
}
