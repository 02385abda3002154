/** Promote a model, retire it, take it back. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import type { ModelItem } from '../wire';

export interface IModelShelfProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly model: ModelItem;
  readonly trans: TranslationBundle;
  readonly onChanged: () => void;
}

export function ModelShelf(props: IModelShelfProps): React.JSX.Element {
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
              act(() => api.models.changeModel(projectId, key, 'promote'))
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
              act(() => api.models.changeModel(projectId, key, 'restore'))
            }
          >
            {trans.__('Take back')}
          </button>
        )}
      </div>
      {reason !== null && (
        <ReasonForm
          reason={reason}
          trans={trans}
          onReason={setReason}
          onRetire={() =>
            act(() => api.models.retireModel(projectId, key, { reason }))
          }
        />
      )}
      <ErrorNote words={error} />
    </>
  );
}

function ReasonForm(props: {
  readonly reason: string;
  readonly trans: TranslationBundle;
  readonly onReason: (reason: string | null) => void;
  readonly onRetire: () => void;
}): React.JSX.Element {
  const { trans } = props;
  return (
    <form
      className="labkit-Quality-filter"
      onSubmit={event => {
        event.preventDefault();
        props.onRetire();
      }}
    >
      <label>
        {trans.__('Why it is not to be used any more')}
        <input
          type="text"
          autoFocus
          required
          value={props.reason}
          onChange={event => props.onReason(event.currentTarget.value)}
        />
      </label>
      <button type="submit" className="labkit-Button">
        {trans.__('Retire')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        onClick={() => props.onReason(null)}
      >
        {trans.__('Leave it')}
      </button>
    </form>
  );
}
