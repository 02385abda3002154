/** What a tab says while there is no picture, and the way on from there. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

/** Words, and a button that tries again where that can help. */
export class Notice extends ReactWidget {
  constructor(
    private readonly _text: string,
    private readonly _again: (() => void) | null,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-AnnotatorTab-notice');
    this.node.setAttribute('role', _again === null ? 'status' : 'alert');
  }

  protected override render(): React.JSX.Element {
    return (
      <>
        <span>{this._text}</span>
        {this._again !== null && (
          <button type="button" className="labkit-Button" onClick={this._again}>
            {this._trans.__('Try again')}
          </button>
        )}
      </>
    );
  }
}
