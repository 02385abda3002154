/** What students get of a release, what they do not, and what that means to them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ReleasePlan } from '../wire';
import { pointWords } from './author';
import { pastWords, type ReleaseSettings } from './releasetimes';
import { FileTable } from './sending';

export function ReleaseContents(props: {
  readonly plan: ReleasePlan;
  readonly settings: ReleaseSettings;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { plan, settings, trans } = props;
  const { checked, files, hidden } = plan;
  const warnings = checked.problems;
  return (
    <div className="labkit-Sending">
      <p>
        {pointWords(checked, trans)} {meaning(plan, trans)}
      </p>
      <p className="labkit-Release-past" role="status">
        {pastWords(settings, plan.now, trans)}
      </p>
      <details open={files.length <= 8}>
        <summary>
          {trans._n(
            'Students get %1 file',
            'Students get %1 files',
            files.length
          )}
        </summary>
        <FileTable
          files={files}
          caption={trans.__('What students get')}
          trans={trans}
        />
      </details>
      <p className="labkit-Assignment-quiet">
        {hidden > 0
          ? trans._n(
              'Solutions, hidden tests and %1 file of hidden/ stay with the staff.',
              'Solutions, hidden tests and %1 files of hidden/ stay with the staff.',
              hidden
            )
          : trans.__('Solutions and hidden tests stay with the staff.')}
      </p>
      {warnings.length > 0 && (
        <details open>
          <summary>
            {trans._n('%1 warning', '%1 warnings', warnings.length)}
          </summary>
          <ul>
            {warnings.map(({ text, where }, k) => (
              <li key={k}>{where === '' ? text : `${where}: ${text}`}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function meaning(plan: ReleasePlan, trans: TranslationBundle): string {
  const { draft, release, submissions } = plan;
  if (draft) {
    return trans.__(
      'It is a draft: students see it as soon as it is released.'
    );
  }
  const words = trans.__(
    'Whoever has fetched release %1 is told; what they have changed stays.',
    release
  );
  if (submissions === 0) {
    return words;
  }
  const handedIn = trans._n(
    '%1 has handed in already.',
    '%1 have handed in already.',
    submissions
  );
  return `${words} ${handedIn}`;
}
