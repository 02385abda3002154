/** The dialog that takes files of annotations in: it looks at them, asks what they leave open, and says what came in. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { ImageItem, ImportReport, LookReport, ProjectItem } from '../wire';
import { finishJob } from './jobs';
import { ErrorNote, Problems, Remarks, Working } from './notes';
import { sendFiles } from './sending';
import { errorWords } from './words';
import { WorkingBody, WorkingDialog } from './workingdialog';

const AS_IN_FILE = '';

/** Choose files and take them into an image; without one each goes to the image of its name. */
export async function importDialog(
  api: LabKitApi,
  project: ProjectItem,
  image: ImageItem | null,
  me: string,
  onImported: () => void,
  trans: TranslationBundle
): Promise<void> {
  const body = new ImportForm(api, project, image, me, onImported, trans);
  const title = trans.__(
    'Import annotations into %1',
    image?.name ?? project.title
  );
  await new WorkingDialog(title, body, trans.__('Import'), trans).launch();
  body.forget();
}

class ImportForm extends WorkingBody {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _project: ProjectItem,
    private readonly _image: ImageItem | null,
    me: string,
    private readonly _onImported: () => void,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Form');
    this._author = me;
  }

  override submit(): void {
    if (this._step !== null) {
      return;
    }
    if (this._looked === null || this._incoming === null) {
      this._error = [this._trans.__('Choose files first.'), ''];
      this.update();
    } else {
      void this._working(() => this._import());
    }
  }

  /** The dialog is closed: stop, and let the server forget the files. */
  forget(): void {
    this._stop.abort();
    this._forgetFiles();
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        <label>
          {trans.__('Files')}
          <input
            type="file"
            multiple
            onChange={event =>
              void this._take([...(event.currentTarget.files ?? [])])
            }
          />
        </label>
        <small>
          {this._image === null
            ? trans.__(
                'GeoJSON, COCO, YOLO with classes.txt, Pascal VOC, Django Labeller, label images, or a zip of them. Each file goes to the image of the same name.'
              )
            : trans.__(
                'GeoJSON, COCO, YOLO with classes.txt, Pascal VOC, Django Labeller, a label image, or a zip of them.'
              )}
        </small>
        <label>
          {trans.__('Into whose annotations')}
          <input
            type="text"
            value={this._author}
            onChange={event =>
              this._set(() => (this._author = event.currentTarget.value))
            }
          />
        </label>
        {this._looked !== null && this._questions(this._looked)}
        {this._step !== null && (
          <Working label={this._doing} step={this._step} trans={trans} />
        )}
        <ErrorNote words={this._error} />
        {this._imported !== null && (
          <Outcome report={this._imported} trans={trans} />
        )}
      </>
    );
  }

  private _questions(looked: LookReport): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        <ul
          className="labkit-Looked"
          aria-label={trans.__('What the files are')}
        >
          {looked.files.map(file => (
            <li key={file.name}>
              {file.objects === null
                ? trans.__('%1: %2', file.name, file.format)
                : trans._n(
                    '%2: %3, %1 object',
                    '%2: %3, %1 objects',
                    file.objects,
                    file.name,
                    file.format
                  )}
            </li>
          ))}
        </ul>
        {this._imported === null && (
          <Problems problems={looked.problems} trans={trans} />
        )}
        {looked.files.some(file => file.needs_class) && this._classField()}
        <label>
          {trans.__('Is everything in the image annotated?')}
          <select
            value={this._finished}
            onChange={event =>
              this._set(() => (this._finished = event.currentTarget.value))
            }
          >
            <option value={AS_IN_FILE}>{trans.__('as the file says')}</option>
            <option value="yes">
              {trans.__('yes: the rest is background')}
            </option>
            <option value="no">{trans.__('no')}</option>
          </select>
        </label>
        {looked.files.some(file => file.may_shift) && (
          <label className="labkit-Form-check">
            <input
              type="checkbox"
              checked={this._shifts}
              onChange={event =>
                this._set(() => (this._shifts = event.currentTarget.checked))
              }
            />
            {trans.__(
              'Move what an automatic tool of Labeller drew by half a pixel, where it belongs'
            )}
          </label>
        )}
      </>
    );
  }

  /** A class of the project, or another one. */
  private _classField(): React.JSX.Element {
    const trans = this._trans;
    return (
      <label>
        {trans.__('Class of objects that come without one')}
        <input
          type="text"
          list="labkit-import-classes"
          value={this._className}
          onChange={event =>
            this._set(() => (this._className = event.currentTarget.value))
          }
        />
        <datalist id="labkit-import-classes">
          {this._project.classes.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
    );
  }

  private async _take(files: ReadonlyArray<File>): Promise<void> {
    if (files.length > 0 && this._step === null) {
      this._forgetFiles();
      await this._working(() => this._look(files));
    }
  }

  private async _look(files: ReadonlyArray<File>): Promise<void> {
    this._doing = this._trans.__('Sending…');
    const onStep = this._onStep;
    const incoming = await sendFiles(this._api, files, onStep);
    this._incoming = incoming;
    this._doing = this._trans.__('Looking at the files…');
    const { looked } = await finishJob(
      this._api,
      this._api.exchange.lookAt(this._project.id, {
        incoming,
        image: this._imageId
      }),
      onStep,
      this._stop.signal
    );
    this._looked = looked;
  }

  private async _import(): Promise<void> {
    this._doing = this._trans.__('Importing…');
    const className = this._className.trim();
    const { imported } = await finishJob(
      this._api,
      this._api.exchange.importAnnotations(this._project.id, {
        incoming: this._incoming ?? '',
        image: this._imageId,
        author: this._author.trim(),
        class_name: className === '' ? null : className,
        finished: { yes: true, no: false }[this._finished] ?? null,
        shift_auto: this._shifts
      }),
      this._onStep,
      this._stop.signal
    );
    this._imported = imported;
    this._onImported();
  }

  private async _working(work: () => Promise<void>): Promise<void> {
    this._error = null;
    this._imported = null;
    this._onStep(0, 0);
    try {
      await work();
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._step = null;
    this.update();
  }

  private _forgetFiles(): void {
    if (this._incoming !== null) {
      this._api.exchange.endIncoming(this._incoming).catch(() => undefined); // the server forgets it by itself in time
    }
    this._incoming = null;
    this._looked = null;
  }

  private _set(change: () => void): void {
    change();
    this.update();
  }

  private readonly _onStep = (done: number, total: number): void => {
    this._step = [done, total];
    this.update();
  };

  private get _imageId(): string | null {
    return this._image?.id ?? null;
  }

  private readonly _stop = new AbortController();
  private _author: string;
  private _className = '';
  private _finished = AS_IN_FILE;
  private _shifts = false;
  private _incoming: string | null = null;
  private _looked: LookReport | null = null;
  private _imported: ImportReport | null = null;
  private _doing = '';
  private _step: readonly [number, number] | null = null;
  private _error: readonly [string, string] | null = null;
}

function Outcome(props: {
  readonly report: ImportReport;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { report, trans } = props;
  const warnings = report.files.flatMap(file =>
    file.warnings.map(text => `${file.name}: ${text}`)
  );
  const total = report.files.reduce(
    (sum, file) => sum + file.warnings_total,
    0
  );
  return (
    <div role="status">
      <ul className="labkit-Looked">
        {report.files.map(file => (
          <li key={file.name}>
            {trans._n(
              '%2: %1 object added, %3 updated, %4 there already (%5, annotations of %6)',
              '%2: %1 objects added, %3 updated, %4 there already (%5, annotations of %6)',
              file.added,
              file.name,
              file.updated,
              file.skipped,
              file.image,
              file.author
            )}
          </li>
        ))}
      </ul>
      {report.files.length > 0 && (
        <p>{trans.__('Ctrl+Z in the picture takes an import back.')}</p>
      )}
      <Remarks
        title={trans.__('What is to be known of it')}
        remarks={warnings}
        total={total}
        trans={trans}
      />
      <Problems problems={report.problems} trans={trans} />
    </div>
  );
}
