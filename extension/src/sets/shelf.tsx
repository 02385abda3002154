/** The sets that are there: their facts, what changed since, how two differ. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { type IColumn, SortableTable } from '../quality/sortable';
import type { SetItem } from '../wire';
import { TwoSets } from './difference';
import { SetFacts } from './facts';
import { chipsOf, type IWish } from './wish';

export interface IShelfProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly sets: ReadonlyArray<SetItem>;
  /** Key of the set whose facts are shown. */
  readonly shown: string | null;
  readonly trans: TranslationBundle;
  readonly onShow: (key: string) => void;
  readonly onUse: (wish: IWish) => void;
  /** Starts a run; null where nothing can run. */
  readonly onRun: ((set: SetItem) => void) | null;
}

export function Shelf(props: IShelfProps): React.JSX.Element {
  const { sets, shown, trans } = props;
  const [first] = sets;
  if (first === undefined) {
    return (
      <p className="labkit-Sets-empty">
        {trans.__('There is no training set yet. Build the first one.')}
      </p>
    );
  }
  const set = sets.find(({ key }) => key === shown) ?? first;
  return (
    <div className="labkit-Sets-shelf">
      <SortableTable
        label={trans.__('Training sets')}
        rows={sets}
        rowKey={({ key }) => key}
        columns={columnsOf(props, set)}
      />
      <SetFacts key={set.key} {...props} set={set} />
      {sets.length > 1 && <TwoSets {...props} />}
    </div>
  );
}

function columnsOf(
  { onShow, trans }: IShelfProps,
  shown: SetItem
): ReadonlyArray<IColumn<SetItem>> {
  return [
    {
      key: 'name',
      label: trans.__('Name'),
      value: set => set.name,
      show: set => (
        <button
          type="button"
          className="labkit-Link"
          aria-pressed={set.key === shown.key}
          aria-label={trans.__('Show %1', set.key)}
          onClick={() => onShow(set.key)}
        >
          {set.name}
        </button>
      )
    },
    {
      key: 'version',
      label: trans.__('Version'),
      value: set => set.version,
      isNumber: true
    },
    { key: 'hash', label: trans.__('Hash'), value: set => set.hash },
    {
      key: 'created',
      label: trans.__('Built'),
      value: set => set.created,
      show: set => new Date(set.created).toLocaleString()
    },
    {
      key: 'images',
      label: trans.__('Images'),
      value: set => set.images.length,
      isNumber: true
    },
    {
      key: 'chips',
      label: trans.__('Chips (train / val / test)'),
      value: set => set.parts.reduce((sum, part) => sum + part.chips, 0),
      show: chipsOf,
      isNumber: true
    }
  ];
}
