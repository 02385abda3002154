/** The buttons of a card: each says of which assignment it is, and none can be pressed while something goes on. */

import * as React from 'react';

import type { ICardProps } from './card';

/** Give what draws the buttons of one card. */
export function cardButtons({
  aside,
  entry,
  trans
}: Pick<ICardProps, 'aside' | 'entry' | 'trans'>) {
  const isBusy = (aside.busy ?? '') !== '';
  return (
    label: string,
    onClick: () => void,
    isPrimary = false,
    isOff = false
  ): React.JSX.Element => (
    <button
      type="button"
      className={'labkit-Button' + (isPrimary ? ' labkit-mod-primary' : '')}
      disabled={isBusy || isOff}
      aria-label={trans.__('%1: %2', label, entry.name)}
      onClick={onClick}
    >
      {label}
    </button>
  );
}
