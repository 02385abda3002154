/** The dialog of a release: what students get, what holds for it, and how far it is sent. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { finishJob } from '../quality/jobs';
import { ErrorNote, Working } from '../quality/notes';
import { errorWords } from '../quality/words';
import { WorkingBody, WorkingDialog } from '../quality/workingdialog';
import type {
  AssignmentEntry,
  ReleaseAsk,
  ReleasedReport,
  ReleasePlan,
  SavedDocument
} from '../wire';
import { pointWords } from './author';
import { FileTable } from './sending';

const CLOSE = 0;
const MINUTE_MS = 60_000;

/** Say why it cannot be released; the card shows where. */
export async function refuseRelease(
  entry: AssignmentEntry,
  plan: ReleasePlan,
  trans: TranslationBundle
): Promise<void> {
  const { errors, problems } = plan.checked;
  await showDialog({
    title: trans.__('%1 cannot be released yet', entry.name),
    body: (
      <div className="labkit-Sending">
        <p>
          {trans._n(
            '%1 error has to be mended first; the card of the assignment leads to its place.',
            '%1 errors have to be mended first; the card of the assignment leads to their places.',
            errors
          )}
        </p>
        <ul className="labkit-ErrorNote labkit-Sending-problems" role="alert">
          {problems
            .filter(({ severity }) => severity === 'error')
            .map(({ hint, text, where }, k) => (
              <li key={k}>
                <strong>{where === '' ? text : `${where}: ${text}`}</strong>{' '}
                {hint}
              </li>
            ))}
        </ul>
      </div>
    ),
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
}

/** Ask what is to hold, and release; null when the person changed their mind. */
export async function askForRelease(
  api: LabKitApi,
  entry: AssignmentEntry,
  plan: ReleasePlan,
  documents: ReadonlyArray<SavedDocument>,
  trans: TranslationBundle
): Promise<ReleasedReport | null> {
  const form = new ReleaseForm(api, entry.id, plan, documents, trans);
  const dialog = new WorkingDialog(
    trans.__('Release %1', entry.name),
    form,
    trans.__('Release'),
    trans
  );
  form.onDone = () => dialog.resolve(CLOSE);
  await dialog.launch();
  form.stop();
  return form.done;
}

type Settings = Omit<ReleaseAsk, 'documents' | 'seen'>;

/** Whether a local time of the course has come, some minutes later; an empty one never does. */
function isPast(time: string, now: string, minutes = 0): boolean {
  // both are read as if they were UTC: only which is the later one counts
  const moment = Date.parse(`${time}Z`) + minutes * MINUTE_MS;
  return time !== '' && moment <= Date.parse(`${now}Z`);
}

/** What times that have passed mean to students; empty while they can hand in on time. */
function pastWords(
  { accepts_late, closes, due, grace_min }: Settings,
  now: string,
  trans: TranslationBundle
): string {
  if (isPast(closes, now)) {
    return trans.__(
      'The time after which nothing is accepted has passed: students cannot hand in.'
    );
  }
  if (!isPast(due, now, grace_min)) {
    return '';
  }
  return accepts_late
    ? trans.__('The due time has passed: all that is handed in is late.')
    : trans.__(
        'The due time has passed, and late work is not accepted: students cannot hand in.'
      );
}

/** Says at a field that its time has passed, without forbidding it. */
function PastNote(props: {
  readonly id: string;
  readonly isPast: boolean;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  return (
    <span id={props.id} className="labkit-Release-past">
      {props.isPast && props.trans.__('This time has passed.')}
    </span>
  );
}

class ReleaseForm extends WorkingBody {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _id: string,
    private readonly _plan: ReleasePlan,
    private readonly _documents: ReadonlyArray<SavedDocument>,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Form');
    this.addClass('labkit-Release');
    const { accepts_late, attempts, closes, counts, due } = _plan;
    const { floor_percent, grace_min, percent_per_day } = _plan;
    this._settings = {
      message: '',
      ...{ accepts_late, attempts, closes, counts, due },
      ...{ floor_percent, grace_min, percent_per_day }
    };
  }

  onDone: () => void = () => undefined;

  /** The release, once it is out. */
  get done(): ReleasedReport | null {
    return this._done;
  }

  override submit(): void {
    if (this._step === null && this._isWhole()) {
      void this._release();
    }
  }

  /** The dialog is closed: what is being sent stops. */
  stop(): void {
    this._stop.abort();
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        {this._contents()}
        {this._times()}
        {this._late()}
        {this._attempts()}
        {this._plan.release > 0 && (
          <label>
            {trans.__('What has changed (students read it; may stay empty)')}
            <input
              type="text"
              className="jp-mod-styled"
              maxLength={300}
              value={this._settings.message}
              onChange={event =>
                this._set({ message: event.currentTarget.value })
              }
            />
          </label>
        )}
        {this._step !== null && (
          <Working
            label={trans.__('Releasing…')}
            step={this._step}
            trans={trans}
          />
        )}
        <ErrorNote words={this._error} />
      </>
    );
  }

  /** What students get, what they do not, and what that means to them. */
  private _contents(): React.JSX.Element {
    const { checked, files, hidden } = this._plan;
    const trans = this._trans;
    const warnings = checked.problems;
    return (
      <div className="labkit-Sending">
        <p>
          {pointWords(checked, trans)} {this._meaning()}
        </p>
        <p className="labkit-Release-past" role="status">
          {pastWords(this._settings, this._plan.now, trans)}
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

  private _meaning(): string {
    const { draft, release, submissions } = this._plan;
    const trans = this._trans;
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

  private _times(): React.JSX.Element {
    const trans = this._trans;
    const { closes, due } = this._settings;
    const { now, time_zone } = this._plan;
    return (
      <div className="labkit-Release-row">
        <div>
          <label>
            {trans.__('Due (%1)', time_zone)}
            <input
              type="datetime-local"
              className="jp-mod-styled"
              defaultValue={due}
              aria-describedby="labkit-Release-due-past"
              onInput={event => this._set({ due: event.currentTarget.value })}
            />
          </label>
          <PastNote
            id="labkit-Release-due-past"
            isPast={isPast(due, now)}
            trans={trans}
          />
        </div>
        <div>
          <label>
            {trans.__('Nothing is accepted after')}
            <input
              type="datetime-local"
              className="jp-mod-styled"
              defaultValue={closes}
              aria-describedby="labkit-Release-closes-past"
              onInput={event =>
                this._set({ closes: event.currentTarget.value })
              }
            />
          </label>
          <PastNote
            id="labkit-Release-closes-past"
            isPast={isPast(closes, now)}
            trans={trans}
          />
        </div>
      </div>
    );
  }

  private _late(): React.JSX.Element {
    const trans = this._trans;
    const { accepts_late, floor_percent, grace_min, percent_per_day } =
      this._settings;
    return (
      <>
        <label className="labkit-Form-check">
          <input
            type="checkbox"
            checked={accepts_late}
            onChange={event =>
              this._set({ accepts_late: event.currentTarget.checked })
            }
          />
          {trans.__('Accept late work')}
        </label>
        <div className="labkit-Release-row">
          {this._number(trans.__('Minutes of grace'), grace_min, 10080, value =>
            this._set({ grace_min: Math.round(value) })
          )}
          {this._number(
            trans.__('% lost for each day'),
            percent_per_day,
            100,
            value => this._set({ percent_per_day: value }),
            !accepts_late
          )}
          {this._number(
            trans.__('% kept at least'),
            floor_percent,
            100,
            value => this._set({ floor_percent: value }),
            !accepts_late
          )}
        </div>
      </>
    );
  }

  private _attempts(): React.JSX.Element {
    const trans = this._trans;
    const { attempts, counts } = this._settings;
    return (
      <div className="labkit-Release-row">
        <label>
          {trans.__('Attempts (empty: any number)')}
          <input
            type="number"
            className="jp-mod-styled"
            min={1}
            max={1000}
            step={1}
            defaultValue={attempts ?? ''}
            onInput={event => {
              const { value } = event.currentTarget;
              this._set({ attempts: value === '' ? null : Number(value) });
            }}
          />
        </label>
        <label>
          {trans.__('Of several counts')}
          <select
            value={counts}
            onChange={event =>
              this._set({
                counts: event.currentTarget.value as ReleaseAsk['counts']
              })
            }
          >
            <option value="last">{trans.__('the last')}</option>
            <option value="best">{trans.__('the best')}</option>
          </select>
        </label>
      </div>
    );
  }

  private _number(
    label: string,
    value: number,
    max: number,
    set: (value: number) => void,
    isOff = false
  ): React.JSX.Element {
    return (
      <label>
        {label}
        <input
          type="number"
          className="jp-mod-styled"
          min={0}
          max={max}
          step="any"
          required
          disabled={isOff}
          defaultValue={value}
          onInput={event => set(Number(event.currentTarget.value))}
        />
      </label>
    );
  }

  private _set(change: Partial<Settings>): void {
    this._settings = { ...this._settings, ...change };
    this._error = null;
    this.update();
  }

  /** Whether every field holds what it is for; the browser says which does not, and a half-typed time is none. */
  private _isWhole(): boolean {
    return Array.from(this.node.querySelectorAll('input')).every(input =>
      input.reportValidity()
    );
  }

  private async _release(): Promise<void> {
    this._step = [0, 0];
    this._error = null;
    this.update();
    try {
      const job = await finishJob(
        this._api,
        this._api.authoring.releaseAssignment(this._id, {
          ...this._settings,
          documents: this._documents,
          seen: this._plan.sha256
        }),
        (done, total) => {
          this._step = [done, total];
          this._show();
        },
        this._stop.signal
      );
      this._done = job.released;
      this.onDone(); // closes the dialog, and this with it
      return;
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._step = null;
    this._show();
  }

  /** Draw again, unless the dialog was closed meanwhile. */
  private _show(): void {
    if (!this.isDisposed) {
      this.update();
    }
  }

  private readonly _stop = new AbortController();
  private _settings: Settings;
  private _step: readonly [number, number] | null = null;
  private _error: readonly [string, string] | null = null;
  private _done: ReleasedReport | null = null;
}
