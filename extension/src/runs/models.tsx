/** The models of a project: versions, scores, and which one its name opens. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { SortableTable, type IColumn } from '../quality/sortable';
import { errorWords, score } from '../quality/words';
import type { ModelItem, ModelList } from '../wire';
import { ModelCard } from './modelcard';
import { moment } from './words';

export interface IModelsProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly chosen: string | null;
  readonly marked: ReadonlySet<string>;
  readonly trans: TranslationBundle;
  readonly onChoose: (key: string) => void;
  readonly onMark: (key: string, isMarked: boolean) => void;
}

export function Models(props: IModelsProps): React.JSX.Element {
  const { api, chosen, projectId, trans } = props;
  const [list, setList] = React.useState<ModelList | null>(null);
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  const read = React.useCallback(async (): Promise<void> => {
    try {
      setList(await api.models.listModels(projectId));
      setError(null);
    } catch (reason) {
      setError(errorWords(reason, trans));
    }
  }, [api, projectId, trans]);
  React.useEffect(() => void read(), [read]);
  const shown = list?.models.find(({ key }) => key === chosen);
  return (
    <>
      <ErrorNote words={error} />
      {list === null && error === null && (
        <p role="status">{trans.__('Reading the models…')}</p>
      )}
      {list?.models.length === 0 && (
        <p>
          {trans.__(
            'There is no model yet. A run that is done leaves one here.'
          )}
        </p>
      )}
      {list !== null && list.models.length > 0 && (
        <SortableTable
          label={trans.__('Models')}
          columns={columnsOf(props)}
          rows={list.models}
          rowKey={row => row.key}
        />
      )}
      {shown !== undefined && (
        <ModelCard
          key={shown.key}
          api={api}
          projectId={projectId}
          me={list?.me ?? ''}
          trans={trans}
          model={shown}
          onChanged={() => void read()}
        />
      )}
    </>
  );
}

function columnsOf(props: IModelsProps): ReadonlyArray<IColumn<ModelItem>> {
  const { marked, onChoose, onMark, trans } = props;
  return [
    {
      key: 'marked',
      label: trans.__('Compare'),
      value: row => marked.has(row.key),
      show: row => (
        <input
          type="checkbox"
          aria-label={trans.__('Compare %1', row.key)}
          checked={marked.has(row.key)}
          onChange={event => onMark(row.key, event.currentTarget.checked)}
        />
      )
    },
    {
      key: 'key',
      label: trans.__('Model'),
      value: row => row.key,
      show: row => (
        <button
          type="button"
          className="labkit-Link"
          aria-current={row.key === props.chosen}
          onClick={() => onChoose(row.key)}
        >
          {row.key}
        </button>
      )
    },
    {
      key: 'state',
      label: trans.__('State'),
      value: row => shelfWord(row, trans)
    },
    {
      key: 'val',
      label: trans.__('Dice, validation'),
      value: row => row.val_dice,
      show: row => score(row.val_dice),
      isNumber: true
    },
    {
      key: 'test',
      label: trans.__('Dice, test'),
      value: row => row.test_dice,
      show: row => score(row.test_dice),
      isNumber: true
    },
    {
      key: 'architecture',
      label: trans.__('Network'),
      value: row => row.architecture
    },
    {
      key: 'set',
      label: trans.__('Training set'),
      value: row => row.training_set
    },
    {
      key: 'created',
      label: trans.__('Made'),
      value: row => row.created,
      show: row => moment(row.created),
      isNumber: true
    }
  ];
}

/** Where a version stands among those of its name. */
function shelfWord(model: ModelItem, trans: TranslationBundle): string {
  if (model.retired !== null) {
    return trans.__('✕ retired');
  }
  if (model.promoted) {
    return trans.__('★ promoted');
  }
  return model.opened ? trans.__('● newest') : '';
}
