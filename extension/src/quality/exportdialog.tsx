/** The dialog that writes annotations to a file, says what the file cannot hold, and gives it out. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { ImageItem, JobItem, ProjectItem } from '../wire';
import { finishJob } from './jobs';
import { ErrorNote, Problems, Remarks, Working } from './notes';
import { errorWords, type Format, formatWords } from './words';
import { WorkingBody, WorkingDialog } from './workingdialog';

/** Ask for a format and an author, and give the file; of all images of the project without an image. */
export async function exportDialog(
  api: LabKitApi,
  project: ProjectItem,
  image: ImageItem | null,
  authors: ReadonlyArray<string>,
  me: string,
  trans: TranslationBundle
): Promise<void> {
  const body = new ExportForm(api, project.id, image, authors, me, trans);
  const title = trans.__(
    'Export annotations of %1',
    image?.name ?? project.title
  );
  await new WorkingDialog(title, body, trans.__('Export'), trans).launch();
  body.forget();
}

class ExportForm extends WorkingBody {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _projectId: string,
    private readonly _image: ImageItem | null,
    private readonly _authors: ReadonlyArray<string>,
    me: string,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Form');
    this._author = _authors.includes(me) ? me : (_authors[0] ?? me);
  }

  override submit(): void {
    if (this._step === null) {
      void this._export();
    }
  }

  /** The dialog is closed: stop, and let the server forget the file, once it is fetched. */
  forget(): void {
    this._stop.abort();
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        <label>
          {trans.__('Format')}
          <select
            value={this._format}
            onChange={event => {
              this._format = event.currentTarget.value as Format;
              this._reset();
            }}
          >
            {formatWords(trans).map(([format, words]) => (
              <option key={format} value={format}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          {trans.__('Whose annotations')}
          <select
            value={this._author}
            onChange={event => {
              this._author = event.currentTarget.value;
              this._reset();
            }}
          >
            {this._authors.map(author => (
              <option key={author}>{author}</option>
            ))}
          </select>
        </label>
        {this._step !== null && (
          <Working
            label={trans.__('Writing…')}
            step={this._step}
            trans={trans}
          />
        )}
        <ErrorNote words={this._error} />
        {this._job !== null && this._result(this._job)}
      </>
    );
  }

  private _result(job: JobItem): React.JSX.Element | null {
    const { exported } = job;
    const trans = this._trans;
    if (exported === null) {
      return null;
    }
    return (
      <div role="status">
        <p>
          <a
            className="labkit-Download"
            href={this._api.jobs.jobFileUrl(job.id)}
            download={exported.name}
          >
            {trans.__('Download %1', exported.name)}
          </a>{' '}
          {trans.__('(%1 KB)', Math.ceil(exported.bytes / 1000))}
        </p>
        {exported.losses_total === 0 ? (
          <p>{trans.__('The file holds everything.')}</p>
        ) : (
          <Remarks
            title={trans.__('What this format cannot hold')}
            remarks={exported.losses}
            total={exported.losses_total}
            trans={trans}
          />
        )}
        <Problems problems={exported.problems} trans={trans} />
      </div>
    );
  }

  private async _export(): Promise<void> {
    this._reset();
    this._step = [0, 0];
    this.update();
    try {
      const asked = {
        format: this._format,
        author: this._author,
        images: this._image === null ? [] : [this._image.id]
      };
      this._job = await finishJob(
        this._api,
        this._api.exchange.exportAnnotations(this._projectId, asked),
        (done, total) => {
          this._step = [done, total];
          this.update();
        },
        this._stop.signal
      );
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._step = null;
    this.update();
  }

  private _reset(): void {
    this._job = null;
    this._error = null;
    this.update();
  }

  private readonly _stop = new AbortController();
  private _format: Format = 'geojson';
  private _author: string;
  private _step: readonly [number, number] | null = null;
  private _job: JobItem | null = null;
  private _error: readonly [string, string] | null = null;
}
