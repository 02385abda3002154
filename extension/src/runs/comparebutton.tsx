/** Shows or hides a comparison of what is marked. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

export function CompareButton(props: {
  readonly count: number;
  readonly isComparing: boolean;
  readonly trans: TranslationBundle;
  readonly onClick: () => void;
}): React.JSX.Element {
  const { count, trans } = props;
  return (
    <button
      type="button"
      className="labkit-Button"
      aria-pressed={props.isComparing}
      disabled={count < 2}
      title={trans.__('Choose two or more with the boxes')}
      onClick={props.onClick}
    >
      {trans.__('Compare (%1)', count)}
    </button>
  );
}
