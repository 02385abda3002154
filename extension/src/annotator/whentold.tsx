/** Draws its contents again when a setting or the document is another. */

import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Easel } from './easel';

export interface IWhenToldProps {
  readonly easel: Easel;
  readonly children: () => React.JSX.Element;
}

export function WhenTold(props: IWhenToldProps): React.JSX.Element {
  const { easel, children } = props;
  return (
    <UseSignal signal={easel.changed}>
      {() => (
        <UseSignal signal={easel.session.told}>{() => children()}</UseSignal>
      )}
    </UseSignal>
  );
}
