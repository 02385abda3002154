/** The dialog of a release: what students get, what holds for it, and how far it is sent. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { finishJob } from '../quality/jobs';
import { ErrorNote, Working } from '../quality/notes';
import { errorWords } from '../quality/words';
import { WorkingBody, WorkingDialog } from '../quality/workingdialog';
import type {
  AssignmentEntry,
  ReleasedReport,
  ReleasePlan,
  SavedDocument
} from '../wire';
import { ReleaseContents } from './releasecontents';
import { AttemptFields, LateFields, TimeFields } from './releasefields';
import type { ReleaseSettings } from './releasetimes';

const CLOSE = 0;

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
    const plan = this._plan;
    const settings = this._settings;
    const trans = this._trans;
    const fields = { settings, trans, onChange: this._set };
    return (
      <>
        <ReleaseContents plan={plan} settings={settings} trans={trans} />
        <TimeFields {...fields} plan={plan} />
        <LateFields {...fields} />
        <AttemptFields {...fields} />
        {plan.release > 0 && (
          <label>
            {trans.__('What has changed (students read it; may stay empty)')}
            <input
              type="text"
              className="jp-mod-styled"
              maxLength={300}
              value={settings.message}
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

  private readonly _set = (change: Partial<ReleaseSettings>): void => {
    this._settings = { ...this._settings, ...change };
    this._error = null;
    this.update();
  };

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
  private _settings: ReleaseSettings;
  private _step: readonly [number, number] | null = null;
  private _error: readonly [string, string] | null = null;
  private _done: ReleasedReport | null = null;
}
