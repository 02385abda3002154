/** The models of a project: versions, scores, which one its name opens, the card, and files for other programs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { SortableTable, type IColumn } from '../quality/sortable';
import { useTask } from '../quality/task';
import { errorWords, score } from '../quality/words';
import type {
  JobItem,
  ModelCardItem,
  ModelExportAsk,
  ModelItem,
  ModelList
} from '../wire';
import { bytes, moment, number } from './words';

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
      setList(await api.listModels(projectId));
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
        <Chosen
          key={shown.key}
          {...props}
          me={list?.me ?? ''}
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

function Chosen(
  props: IModelsProps & {
    readonly me: string;
    readonly model: ModelItem;
    readonly onChanged: () => void;
  }
): React.JSX.Element {
  const { model, trans } = props;
  return (
    <section className="labkit-ModelCard" aria-label={model.key}>
      <h3>{model.key}</h3>
      {model.retired !== null && (
        <p className="labkit-Runs-reason">
          {trans.__('Retired: %1', model.retired)}
        </p>
      )}
      <Shelf {...props} />
      <Export {...props} />
      <h4>{trans.__('How to use it')}</h4>
      <p>
        {trans.__(
          'In the annotator choose it under Proposals. In a notebook or a terminal:'
        )}
      </p>
      <pre tabIndex={0}>
        {`model = labkit.open_model(project, "${model.key}")\n` +
          `labkit predict PROJECT IMAGE --model ${model.key}`}
      </pre>
      <Card {...props} />
    </section>
  );
}

/** Promote, retire, take back. */
function Shelf(
  props: IModelsProps & {
    readonly model: ModelItem;
    readonly onChanged: () => void;
  }
): React.JSX.Element {
  const { api, model, projectId, trans } = props;
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  const [reason, setReason] = React.useState<string | null>(null);
  const act = (work: () => Promise<ModelItem>): void => {
    setError(null);
    work()
      .then(() => {
        setReason(null);
        props.onChanged();
      })
      .catch((found: unknown) => setError(errorWords(found, trans)));
  };
  const { key } = model;
  return (
    <>
      <div className="labkit-Runs-buttons">
        {model.retired === null && !model.promoted && (
          <button
            type="button"
            className="labkit-Button"
            title={trans.__('From now on the bare name opens this version')}
            onClick={() =>
              act(() => api.changeModel(projectId, key, 'promote'))
            }
          >
            {trans.__('Promote')}
          </button>
        )}
        {model.retired === null && reason === null && (
          <button
            type="button"
            className="labkit-Button"
            onClick={() => setReason('')}
          >
            {trans.__('Retire…')}
          </button>
        )}
        {model.retired !== null && (
          <button
            type="button"
            className="labkit-Button"
            onClick={() =>
              act(() => api.changeModel(projectId, key, 'restore'))
            }
          >
            {trans.__('Take back')}
          </button>
        )}
      </div>
      {reason !== null && (
        <form
          className="labkit-Quality-filter"
          onSubmit={event => {
            event.preventDefault();
            act(() => api.retireModel(projectId, key, { reason }));
          }}
        >
          <label>
            {trans.__('Why it is not to be used any more')}
            <input
              type="text"
              autoFocus
              required
              value={reason}
              onChange={event => setReason(event.currentTarget.value)}
            />
          </label>
          <button type="submit" className="labkit-Button">
            {trans.__('Retire')}
          </button>
          <button
            type="button"
            className="labkit-Button"
            onClick={() => setReason(null)}
          >
            {trans.__('Leave it')}
          </button>
        </form>
      )}
      <ErrorNote words={error} />
    </>
  );
}

/** A file of the model for other programs; a package for bioimage.io names its authors and its licence. */
function Export(
  props: IModelsProps & { readonly model: ModelItem; readonly me: string }
): React.JSX.Element {
  const { api, model, projectId, trans } = props;
  const task = useTask(api, trans.__('Writing…'), trans);
  const [isAsking, setAsking] = React.useState(false);
  const [authors, setAuthors] = React.useState(props.me);
  const [licence, setLicence] = React.useState(model.licence);
  const give = (asked: ModelExportAsk): void =>
    task.run(() => api.exportModel(projectId, model.key, asked));
  return (
    <>
      <div className="labkit-Runs-buttons">
        <button
          type="button"
          className="labkit-Button"
          disabled={task.isRunning}
          onClick={() => give({ format: 'onnx' })}
        >
          {trans.__('Export as ONNX')}
        </button>
        <button
          type="button"
          className="labkit-Button"
          aria-expanded={isAsking}
          onClick={() => setAsking(!isAsking)}
        >
          {trans.__('Export for bioimage.io…')}
        </button>
      </div>
      {isAsking && (
        <form
          className="labkit-Quality-filter"
          onSubmit={event => {
            event.preventDefault();
            const names = authors.split(',').map(name => name.trim());
            const named = names.filter(name => name !== '');
            give({ format: 'bioimageio', authors: named, licence });
          }}
        >
          <label>
            {trans.__('Authors, separated by commas')}
            <input
              type="text"
              required
              value={authors}
              onChange={event => setAuthors(event.currentTarget.value)}
            />
          </label>
          <label>
            {trans.__('Licence, such as CC-BY-4.0')}
            <input
              type="text"
              required
              value={licence}
              onChange={event => setLicence(event.currentTarget.value)}
            />
          </label>
          <button
            type="submit"
            className="labkit-Button"
            disabled={task.isRunning}
          >
            {trans.__('Export')}
          </button>
        </form>
      )}
      {task.note}
      {task.job !== null && <Exported api={api} job={task.job} trans={trans} />}
    </>
  );
}

function Exported(props: {
  readonly api: LabKitApi;
  readonly job: JobItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { job, trans } = props;
  const file = job.model_file;
  if (file === null) {
    return null;
  }
  return (
    <p role="status">
      <a
        className="labkit-Download"
        href={props.api.jobFileUrl(job.id)}
        download={file.name}
      >
        {trans.__('Download %1', file.name)}
      </a>{' '}
      {trans.__(
        '(%1; its answers differ from the model’s by at most %2, allowed are %3)',
        bytes(file.bytes),
        number(file.difference),
        number(file.tolerance)
      )}
    </p>
  );
}

function Card(
  props: IModelsProps & { readonly model: ModelItem }
): React.JSX.Element {
  const { api, model, projectId, trans } = props;
  const [card, setCard] = React.useState<ModelCardItem | null>(null);
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  React.useEffect(() => {
    let isCurrent = true;
    api
      .readModel(projectId, model.key)
      .then(found => isCurrent && setCard(found))
      .catch(
        (reason: unknown) => isCurrent && setError(errorWords(reason, trans))
      );
    return () => {
      isCurrent = false;
    };
  }, [api, projectId, model.key, trans]);
  return (
    <>
      <ErrorNote words={error} />
      {card?.sections.map(section => (
        <section key={section.title} aria-label={section.title}>
          <h4>{section.title}</h4>
          <dl className="labkit-Facts">
            {section.rows.map(row => (
              <div key={row.name}>
                <dt>{row.name}</dt>
                <dd>{row.value}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </>
  );
}
