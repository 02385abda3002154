/** All keys and what the pointer does, in a dialog: made of the table that the keyboard obeys. */

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { BINDINGS, type IBinding } from './keys';

const SIGNS: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→'
};

/** Show the help; ends when it is closed. */
export async function showHelp(trans: TranslationBundle): Promise<void> {
  const body = ReactWidget.create(<Help trans={trans} />);
  await showDialog({
    title: trans.__('Tools and keys of the annotator'),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}

/** Names of the keys of a line, as they are on a keyboard. */
export function shownKeys({ keys }: IBinding): string[] {
  const [first = ''] = keys;
  const shown = keys.length > 4 ? [`${first} – ${keys.at(-1)}`] : keys;
  return shown.map(chord =>
    chord
      .split(/\+(?=.)/)
      .map(key => SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key))
      .join(' + ')
  );
}

function Help({ trans }: { trans: TranslationBundle }): React.JSX.Element {
  const groups: ReadonlyArray<[IBinding['group'], string]> = [
    ['tools', trans.__('Tools and classes')],
    ['drawing', trans.__('Drawing by keyboard')],
    ['objects', trans.__('Objects')],
    ['view', trans.__('View')]
  ];
  return (
    <div className="labkit-AnnotatorHelp" tabIndex={0}>
      {groups.map(([group, title]) => (
        <section key={group}>
          <h3>{title}</h3>
          <dl>
            {BINDINGS.filter(binding => binding.group === group).map(
              binding => (
                <div key={binding.keys.join()}>
                  <dt>
                    {shownKeys(binding).map(key => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{binding.words(trans)}</dd>
                </div>
              )
            )}
          </dl>
        </section>
      ))}
      <section>
        <h3>{trans.__('Mouse, pen and fingers')}</h3>
        <ul>
          <li>
            {trans.__(
              'Shift makes a box or an ellipse regular, Alt grows it from its centre. Shift and a click choose one more.'
            )}
          </li>
          <li>
            {trans.__(
              'The wheel zooms; dragging with the middle button, or with Space held, moves the picture.'
            )}
          </li>
          <li>
            {trans.__(
              'Two fingers move and zoom. One finger draws; once a pen was used, fingers only move the picture.'
            )}
          </li>
          <li>
            {trans.__(
              'With “Edit vertices” drag a vertex or an edge; Alt and a click take a vertex away.'
            )}
          </li>
        </ul>
      </section>
    </div>
  );
}
