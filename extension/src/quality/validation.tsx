/** What looks wrong: each finding opens the annotator where it is. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { FaultItem } from '../wire';
import { Problems } from './notes';
import { type IColumn, SortableTable } from './sortable';
import { useTask } from './task';

export interface IValidationProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly trans: TranslationBundle;
  readonly onOpen: (fault: FaultItem) => void;
}

export function Validation(props: IValidationProps): React.JSX.Element {
  const { api, projectId, trans } = props;
  const task = useTask(api, trans.__('Looking at the annotations…'), trans);
  const [withNotes, setWithNotes] = React.useState(false);
  const report = task.job?.validation ?? null;
  const faults = (report?.faults ?? []).filter(
    fault => withNotes || fault.level === 'warning'
  );
  return (
    <>
      <div className="labkit-Quality-filter">
        <button
          type="button"
          className="labkit-Button"
          disabled={task.isRunning}
          onClick={() => task.run(() => api.quality.validate(projectId, {}))}
        >
          {trans.__('Check all annotations')}
        </button>
        <label className="labkit-Form-check">
          <input
            type="checkbox"
            checked={withNotes}
            onChange={event => setWithNotes(event.currentTarget.checked)}
          />
          {trans.__('also what may be meant so')}
        </label>
      </div>
      {task.note}
      {report !== null && (
        <>
          <p role="status">
            {faults.length === 0
              ? trans.__(
                  'Nothing looks wrong in %1 documents.',
                  report.documents
                )
              : trans._n(
                  '%1 finding in %2 documents',
                  '%1 findings in %2 documents',
                  faults.length,
                  report.documents
                )}
          </p>
          <Problems problems={report.problems} trans={trans} />
          {faults.length > 0 && (
            <SortableTable
              label={trans.__('Findings')}
              columns={columnsOf(props)}
              rows={faults}
              rowKey={fault =>
                `${fault.image_id}/${fault.author}/${fault.object_id}/${fault.words}`
              }
            />
          )}
        </>
      )}
    </>
  );
}

function columnsOf({
  onOpen,
  trans
}: IValidationProps): ReadonlyArray<IColumn<FaultItem>> {
  const words: Readonly<Record<FaultItem['fault'], string>> = {
    outside: trans.__('outside the image'),
    'no-pixel': trans.__('empty: covers no pixel'),
    clipped: trans.__('reaches beyond the image'),
    tiny: trans.__('tiny'),
    'self-crossing': trans.__('crosses itself'),
    duplicate: trans.__('is there twice'),
    'near-duplicate': trans.__('is there nearly twice'),
    'no-class': trans.__('has no class'),
    'not-checked': trans.__('cannot be checked')
  };
  return [
    {
      key: 'fault',
      label: trans.__('Finding'),
      value: fault => words[fault.fault],
      show: fault => (
        <button
          type="button"
          className="labkit-Link"
          title={fault.words}
          onClick={() => onOpen(fault)}
        >
          {words[fault.fault]}
        </button>
      )
    },
    { key: 'image', label: trans.__('Image'), value: fault => fault.image },
    { key: 'author', label: trans.__('Author'), value: fault => fault.author },
    {
      key: 'place',
      label: trans.__('Place (y, x)'),
      value: fault =>
        fault.y === null || fault.x === null
          ? ''
          : `${Math.round(fault.y)}, ${Math.round(fault.x)}`
    }
  ];
}
