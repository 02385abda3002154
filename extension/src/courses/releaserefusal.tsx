/** The dialog that says why an assignment cannot be released. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { AssignmentEntry, ReleasePlan } from '../wire';

/** Say why it cannot be released; the card shows where. */
export async function refuseRelease(
  entry: AssignmentEntry,
  plan: ReleasePlan,
  trans: TranslationBundle
): Promise<void> {
  const { errors, problems } = plan.checked;
  await showDialog({
    title: trans.__('%1 cannot be released yet', entry.name),
    body: (
      <div className="labkit-Sending">
        <p>
          {trans._n(
            '%1 error has to be mended first; the card of the assignment leads to its place.',
            '%1 errors have to be mended first; the card of the assignment leads to their places.',
            errors
          )}
        </p>
        <ul className="labkit-ErrorNote labkit-Sending-problems" role="alert">
          {problems
            .filter(({ severity }) => severity === 'error')
            .map(({ hint, text, where }, k) => (
              <li key={k}>
                <strong>{where === '' ? text : `${where}: ${text}`}</strong>{' '}
                {hint}
              </li>
            ))}
        </ul>
      </div>
    ),
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
}
