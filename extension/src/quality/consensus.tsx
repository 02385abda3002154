/** What most authors agree on, made into annotations of their own. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { ConsensusItem, ProgressList } from '../wire';
import { authorsOf } from './agreement';
import { Problems } from './notes';
import { type IColumn, SortableTable } from './sortable';
import { useTask } from './task';

export const CONSENSUS = 'consensus';

export interface IConsensusProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly found: ProgressList;
  readonly trans: TranslationBundle;
  readonly onOpen: (made: ConsensusItem) => void;
  /** Documents were made. */
  readonly onBuilt: () => void;
}

export function Consensus(props: IConsensusProps): React.JSX.Element {
  const { api, found, onBuilt, projectId, trans } = props;
  const authors = authorsOf(found).filter(name => name !== CONSENSUS);
  const [left, setLeft] = React.useState<ReadonlySet<string>>(new Set());
  const [percent, setPercent] = React.useState(50);
  const task = useTask(api, trans.__('Building the consensus…'), trans);
  const report = task.job?.consensus ?? null;
  React.useEffect(() => {
    if (report !== null) {
      onBuilt();
    }
  }, [report]);
  if (authors.length < 2) {
    return (
      <p>{trans.__('Two people must have annotated the same image before.')}</p>
    );
  }
  const chosen = authors.filter(name => !left.has(name));
  const toggle = (name: string): void => {
    const next = new Set(left);
    if (!next.delete(name)) {
      next.add(name);
    }
    setLeft(next);
  };
  return (
    <>
      <div className="labkit-Quality-filter">
        <fieldset>
          <legend>{trans.__('Authors')}</legend>
          {authors.map(name => (
            <label key={name} className="labkit-Form-check">
              <input
                type="checkbox"
                checked={!left.has(name)}
                onChange={() => toggle(name)}
              />
              {name}
            </label>
          ))}
        </fieldset>
        <label>
          {trans.__('Keep what more than this share marked (%)')}
          <input
            type="number"
            min={0}
            max={99}
            value={percent}
            onChange={event => setPercent(event.currentTarget.valueAsNumber)}
          />
        </label>
        <button
          type="button"
          className="labkit-Button"
          disabled={
            task.isRunning ||
            chosen.length < 2 ||
            !(percent >= 0 && percent < 100)
          }
          onClick={() =>
            task.run(() =>
              api.quality.buildConsensus(projectId, {
                authors: chosen,
                share: percent / 100
              })
            )
          }
        >
          {trans.__('Build consensus')}
        </button>
      </div>
      {task.note}
      {report !== null && (
        <>
          <p role="status">
            {trans.__(
              'The annotations of "%1" were made in %2 images; the originals are as they were.',
              report.author,
              report.images.length
            )}
          </p>
          <Problems problems={report.problems} trans={trans} />
          <SortableTable
            label={trans.__('Consensus')}
            columns={columnsOf(props)}
            rows={report.images}
            rowKey={made => made.image_id}
          />
        </>
      )}
    </>
  );
}

function columnsOf({
  onOpen,
  trans
}: IConsensusProps): ReadonlyArray<IColumn<ConsensusItem>> {
  return [
    {
      key: 'image',
      label: trans.__('Image'),
      value: made => made.image,
      show: made => (
        <button
          type="button"
          className="labkit-Link"
          aria-label={trans.__('Open the consensus of %1', made.image)}
          onClick={() => onOpen(made)}
        >
          {made.image}
        </button>
      )
    },
    {
      key: 'authors',
      label: trans.__('Made of'),
      value: made => made.authors.join(', ')
    },
    {
      key: 'objects',
      label: trans.__('Objects'),
      value: made => made.objects,
      isNumber: true
    },
    {
      key: 'dropped',
      label: trans.__('Without a majority'),
      value: made => made.dropped,
      isNumber: true
    },
    {
      key: 'kept',
      label: trans.__('Drawn by hand, kept'),
      value: made => made.kept,
      isNumber: true
    }
  ];
}
