/** What a new run learns from, with which network and settings, and the plan that follows from it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import { WorkingBody } from '../quality/workingdialog';
import type {
  FieldProblem,
  NewRun,
  PlanReply,
  RunForm,
  RunItem
} from '../wire';
import { NewRunFields } from './newrunfields';
import { Plan } from './plan';
import { type Field, firstTexts, readWish } from './runwish';

const QUIET_MS = 350; // after the last key, until the plan is asked for

/** Asks for the plan a moment after the last key, and starts what is planned. */
export class NewRunForm extends WorkingBody {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _projectId: string,
    private readonly _trans: TranslationBundle,
    private readonly _wanted?: string
  ) {
    super();
    this.addClass('labkit-Form');
    this.addClass('labkit-NewRun');
    this.started = new Promise(resolve => {
      this._resolve = resolve;
    });
    void this._readForm();
  }

  /** Fulfilled when the server has taken the run. */
  readonly started: Promise<void>;

  get run(): RunItem | null {
    return this._run;
  }

  override dispose(): void {
    this._stop.abort();
    window.clearTimeout(this._timer);
    super.dispose();
  }

  override submit(): void {
    if (this._form !== null && !this._isStarting) {
      void this._start();
    }
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    const form = this._form;
    return (
      <>
        {form === null && this._error === null && (
          <p role="status">{trans.__('Looking at what there is…')}</p>
        )}
        {form !== null && form.training_sets.length === 0 && (
          <ErrorNote
            words={[
              trans.__('There is no training set in this project yet.'),
              trans.__('Build one first, then start a run.')
            ]}
          />
        )}
        {form !== null && form.training_sets.length > 0 && this._fields(form)}
        <ErrorNote words={this._error} />
        {this._isStarting && <p role="status">{trans.__('Starting…')}</p>}
      </>
    );
  }

  private _fields(form: RunForm): React.JSX.Element {
    return (
      <>
        <NewRunFields
          form={form}
          texts={this._texts}
          separatesObjects={this._separatesObjects}
          problemsOf={field => this._problemsOf(field)}
          trans={this._trans}
          onSet={(field, text) => {
            this._texts.set(field, text);
            this._changed();
          }}
          reuses={this._reuses}
          onSeparate={isSeparate => {
            this._separate = isSeparate;
            this._changed();
          }}
          onReuse={reuses => {
            this._reuses = reuses;
            this.update();
          }}
        />
        <Plan
          reply={this._reply}
          isCurrent={this._isCurrent}
          trans={this._trans}
        />
      </>
    );
  }

  private _problemsOf(field: Field): ReadonlyArray<FieldProblem> {
    const own = this._written.filter(problem => problem.field === field);
    const told = this._reply?.problems.filter(
      problem => problem.field === field
    );
    return own.length > 0 ? own : (told ?? []);
  }

  private async _readForm(): Promise<void> {
    try {
      const form = await this._api.runs.readRunForm(this._projectId);
      this._form = form;
      this._texts = firstTexts(form, this._wanted);
      if (form.training_sets.length > 0) {
        this._changed(0);
      }
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this.update();
  }

  private get _separatesObjects(): boolean {
    return this._separate ?? this._form?.defaults.separate_objects ?? true;
  }

  private _changed(quietMs = QUIET_MS): void {
    this._error = null;
    this._isCurrent = false;
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this._plan(), quietMs);
    this.update();
  }

  /** Ask what would be done; the answer to an older question is thrown away. */
  private async _plan(): Promise<boolean> {
    window.clearTimeout(this._timer);
    this._stop.abort();
    const stop = (this._stop = new AbortController());
    const asked = this._asked();
    if (asked === null) {
      this.update();
      return false;
    }
    try {
      const reply = await this._api.runs.planRun(
        this._projectId,
        asked,
        stop.signal
      );
      if (stop.signal.aborted) {
        return false;
      }
      this._reply = reply;
      this._isCurrent = true;
    } catch (error) {
      if (!stop.signal.aborted) {
        this._error = errorWords(error, this._trans);
        this.update();
      }
      return false;
    }
    this.update();
    return this._reply.problems.length === 0;
  }

  private async _start(): Promise<void> {
    this._isStarting = true;
    this._error = null;
    this.update();
    try {
      const asked = this._asked();
      if ((await this._plan()) && asked !== null) {
        this._run = await this._api.runs.startRun(this._projectId, asked);
        this._resolve();
      } else {
        this._showFirstProblem();
      }
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._isStarting = false;
    this.update();
  }

  private _showFirstProblem(): void {
    requestAnimationFrame(() => {
      const wrong = this.node.querySelector<HTMLElement>(
        '[aria-invalid="true"]'
      );
      wrong?.closest('details')?.setAttribute('open', '');
      wrong?.focus();
    });
  }

  /** The wish as it is written; null where a number is none. */
  private _asked(): NewRun | null {
    const { asked, problems } = readWish(
      this._texts,
      { separatesObjects: this._separatesObjects, reuses: this._reuses },
      this._trans
    );
    this._written = problems;
    return asked;
  }

  private _stop = new AbortController();
  private _resolve: () => void = () => undefined;
  private _texts = new Map<string, string>();
  private _separate: boolean | null = null;
  private _reuses = false;
  private _form: RunForm | null = null;
  private _reply: PlanReply | null = null;
  private _isCurrent = false;
  private _written: ReadonlyArray<FieldProblem> = [];
  private _error: readonly [string, string] | null = null;
  private _isStarting = false;
  private _run: RunItem | null = null;
  private _timer = 0;
}
