/** Files of a model for other programs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { useTask } from '../quality/task';
import type { JobItem, ModelExportAsk, ModelItem } from '../wire';
import { bytes, number } from './words';

export interface IModelExportProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly model: ModelItem;
  readonly me: string;
  readonly trans: TranslationBundle;
}

/** A file of the model for other programs; a package for bioimage.io names its authors and its licence. */
export function ModelExport(props: IModelExportProps): React.JSX.Element {
  const { api, model, projectId, trans } = props;
  const task = useTask(api, trans.__('Writing…'), trans);
  const [isAsking, setAsking] = React.useState(false);
  const [authors, setAuthors] = React.useState(props.me);
  const [licence, setLicence] = React.useState(model.licence);
  const give = (asked: ModelExportAsk): void =>
    task.run(() => api.models.exportModel(projectId, model.key, asked));
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
        href={props.api.jobs.jobFileUrl(job.id)}
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
