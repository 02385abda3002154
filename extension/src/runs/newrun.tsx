/** The dialog of a new run: what to learn from, with which network and settings, and the plan that follows from it. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import { WorkingBody } from '../quality/workingdialog';
import type {
  ArchitectureChoice,
  FieldProblem,
  NewRun,
  PlanItem,
  PlanReply,
  RunForm,
  RunItem
} from '../wire';
import { bytes, moment } from './words';

const START = 1;
const OTHER = 'smp:';
const QUIET_MS = 350; // after the last key, until the plan is asked for

/** Ask for a new run, of the newest training set or one that is named, and start it; null when the person changed their mind. */
export async function askForRun(
  api: LabKitApi,
  projectId: string,
  trans: TranslationBundle,
  trainingSet?: string
): Promise<RunItem | null> {
  const body = new NewRunForm(api, projectId, trans, trainingSet);
  const dialog = new NewRunDialog(body, trans);
  body.started.then(
    () => dialog.reject(),
    () => undefined
  );
  await dialog.launch();
  body.dispose();
  return body.run;
}

/** Takes its accept button for a question to the server, not for an answer. */
class NewRunDialog extends Dialog<void> {
  constructor(
    private readonly _form: NewRunForm,
    trans: TranslationBundle
  ) {
    super({
      title: trans.__('New run'),
      body: _form,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Close') }),
        Dialog.okButton({ label: trans.__('Start') })
      ],
      defaultButton: START,
      focusNodeSelector: 'select'
    });
    this.addClass('labkit-Working-dialog');
    this.addClass('labkit-NewRun-dialog');
  }

  override resolve(index: number = START): void {
    if (index === START) {
      this._form.submit();
    } else {
      super.resolve(index);
    }
  }
}

type Field = Exclude<keyof NewRun, 'separate_objects'>;

interface IFieldProps {
  readonly field: keyof NewRun;
  readonly label: string;
  readonly help?: string | undefined;
}

/** Numbers are kept as they are written: "1e-" on the way to "1e-3" is no error yet. */
class NewRunForm extends WorkingBody {
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
    const trans = this._trans;
    const { defaults } = form;
    const architecture = form.architectures.find(
      ({ name }) => name === this._text('architecture')
    );
    return (
      <>
        {this._select(
          { field: 'training_set', label: trans.__('Training set') },
          form.training_sets.map(set => [
            set.key,
            trans.__(
              '%1 (%2; %3 tiles of %4 px, %5)',
              set.name,
              moment(set.created),
              set.training_chips,
              set.chip_px,
              set.classes.join(', ')
            )
          ])
        )}
        {this._select(
          {
            field: 'architecture',
            label: trans.__('Network'),
            help: architecture && networkWords(architecture, trans)
          },
          [
            ...form.architectures.map(
              ({ name }) => [name, name] as readonly [string, string]
            ),
            ...this._otherNetwork(form)
          ]
        )}
        {this._text('architecture').startsWith(OTHER) &&
          this._input({
            field: 'architecture',
            label: trans.__('Name of the network'),
            help: trans.__(
              'smp:<decoder>:<encoder>, of segmentation-models-pytorch'
            )
          })}
        <div className="labkit-NewRun-grid">
          {this._input({
            field: 'model',
            label: trans.__('Name of the model'),
            help: trans.__('Each run makes its next version.')
          })}
          {this._input({ field: 'epochs', label: trans.__('Epochs') })}
          {this._input({
            field: 'patience',
            label: trans.__('Stop early after'),
            help: trans.__('epochs without a better score; 0 is never')
          })}
          {this._input({
            field: 'batch_size',
            label: trans.__('Tiles in a step')
          })}
          {this._input({
            field: 'learning_rate',
            label: trans.__('Learning rate')
          })}
          {this._input({
            field: 'seed',
            label: trans.__('Seed'),
            help: trans.__('The same seed gives the same model.')
          })}
          {this._select(
            { field: 'device', label: trans.__('Where') },
            form.devices.map(({ label, name, runs }) => [
              name,
              runs > 0
                ? trans._n(
                    'here, %2 (%1 run there now)',
                    'here, %2 (%1 runs there now)',
                    runs,
                    label
                  )
                : trans.__('here, %1', label)
            ])
          )}
          {this._input({
            field: 'time_limit_s',
            label: trans.__('Time limit'),
            help: trans.__('minutes; empty is none')
          })}
        </div>
        <label className="labkit-Form-check">
          <input
            type="checkbox"
            checked={this._separate ?? defaults.separate_objects}
            onChange={event => {
              this._separate = event.currentTarget.checked;
              this._changed();
            }}
          />
          {trans.__('Tell touching objects apart')}
        </label>
        <details>
          <summary>{trans.__('A notebook of your own')}</summary>
          {this._input({
            field: 'notebook',
            label: trans.__('Notebook'),
            help: trans.__(
              'A path in %1, of a notebook that keeps to the rules of run notebooks; empty is LabKit’s own.',
              form.home
            )
          })}
        </details>
        <Plan reply={this._reply} isCurrent={this._isCurrent} trans={trans} />
      </>
    );
  }

  /** A network by name; the choice stays where the name is being written. */
  private _otherNetwork(
    form: RunForm
  ): ReadonlyArray<readonly [string, string]> {
    if (form.other_network === null) {
      return [];
    }
    const written = this._text('architecture');
    const value = written.startsWith(OTHER) ? written : form.other_network;
    return [[value, this._trans.__('another one, by name…')]];
  }

  private _select(
    props: IFieldProps & { readonly field: Field },
    options: ReadonlyArray<readonly [string, string]>
  ): React.JSX.Element {
    return this._labelled(props, described => (
      <select
        {...described}
        value={this._text(props.field)}
        onChange={event => this._set(props.field, event.currentTarget.value)}
      >
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    ));
  }

  private _input(
    props: IFieldProps & { readonly field: Field }
  ): React.JSX.Element {
    return this._labelled(props, described => (
      <input
        {...described}
        type="text"
        autoComplete="off"
        spellCheck={false}
        value={this._text(props.field)}
        onChange={event => this._set(props.field, event.currentTarget.value)}
      />
    ));
  }

  /** A field with its name, what helps, and what is wrong with it. */
  private _labelled(
    props: IFieldProps,
    control: (
      described: React.AriaAttributes & { id: string }
    ) => React.ReactNode
  ): React.JSX.Element {
    const { field, help, label } = props;
    const id = `labkit-new-run-${field}-${label.replace(/\W+/g, '-')}`;
    const problems = this._problemsOf(field);
    return (
      <div className="labkit-NewRun-field">
        <label htmlFor={id}>{label}</label>
        {control({
          id,
          'aria-invalid': problems.length > 0,
          'aria-describedby': `${id}-help`
        })}
        <p id={`${id}-help`}>
          {problems.map(({ message, hint }) => (
            <span key={message} className="labkit-NewRun-problem" role="alert">
              {message} {hint}
            </span>
          ))}
          {help}
        </p>
      </div>
    );
  }

  private _problemsOf(field: string): ReadonlyArray<FieldProblem> {
    const own = this._written.filter(problem => problem.field === field);
    const told = this._reply?.problems.filter(
      problem => problem.field === field
    );
    return own.length > 0 ? own : (told ?? []);
  }

  private async _readForm(): Promise<void> {
    try {
      const form = await this._api.readRunForm(this._projectId);
      this._form = form;
      const keys = form.training_sets.map(({ key }) => key);
      const first = keys.find(key => key === this._wanted) ?? keys[0];
      for (const [field, value] of Object.entries(form.defaults)) {
        this._texts.set(field, String(value));
      }
      this._texts.set('training_set', first ?? '');
      if (first !== undefined) {
        this._changed(0);
      }
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this.update();
  }

  private _text(field: string): string {
    return this._texts.get(field) ?? '';
  }

  private _set(field: string, text: string): void {
    this._texts.set(field, text);
    this._changed();
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
      const reply = await this._api.planRun(
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
        this._run = await this._api.startRun(this._projectId, asked);
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
    this._written = [];
    const whole = (field: Field): number => this._number(field, true);
    const limit = this._text('time_limit_s').trim();
    const asked: NewRun = {
      training_set: this._text('training_set'),
      model: this._text('model').trim(),
      architecture: this._text('architecture'),
      epochs: whole('epochs'),
      batch_size: whole('batch_size'),
      learning_rate: this._number('learning_rate', false),
      seed: whole('seed'),
      separate_objects:
        this._separate ?? this._form?.defaults.separate_objects ?? true,
      patience: whole('patience'),
      device: this._text('device'),
      time_limit_s:
        limit === '' ? null : this._number('time_limit_s', false) * 60,
      notebook: this._text('notebook').trim() || null
    };
    return this._written.length === 0 ? asked : null;
  }

  private _number(field: Field, isWhole: boolean): number {
    const text = this._text(field).trim().replace(',', '.');
    const value = text === '' ? NaN : Number(text);
    if (!Number.isFinite(value) || (isWhole && !Number.isInteger(value))) {
      const message = isWhole
        ? this._trans.__('This must be a whole number.')
        : this._trans.__('This must be a number.');
      this._written.push({ field, message, hint: '' });
    }
    return value;
  }

  private _stop = new AbortController();
  private _resolve: () => void = () => undefined;
  private readonly _texts = new Map<string, string>();
  private _separate: boolean | null = null;
  private _form: RunForm | null = null;
  private _reply: PlanReply | null = null;
  private _isCurrent = false;
  private _written: FieldProblem[] = [];
  private _error: readonly [string, string] | null = null;
  private _isStarting = false;
  private _run: RunItem | null = null;
  private _timer = 0;
}

/** Sizes, steps, memory and warnings, before anything is started. */
function Plan(props: {
  readonly reply: PlanReply | null;
  readonly isCurrent: boolean;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { isCurrent, reply, trans } = props;
  const plan = reply?.plan ?? null;
  const general = reply?.problems.filter(({ field }) => field === '') ?? [];
  return (
    <section
      className="labkit-Plan"
      aria-label={trans.__('Plan')}
      aria-busy={!isCurrent}
    >
      <h4>{trans.__('Plan')}</h4>
      {general.map(({ message, hint }) => (
        <ErrorNote key={message} words={[message, hint]} />
      ))}
      {reply === null && <p>{trans.__('Working it out…')}</p>}
      {reply !== null && plan === null && general.length === 0 && (
        <p>{trans.__('Mend what is marked above.')}</p>
      )}
      {plan !== null && (
        <>
          <dl className="labkit-Facts">
            {planFacts(plan, trans).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {plan.warnings.map(warning => (
            <p key={warning} className="labkit-Runs-reason">
              {warning}
            </p>
          ))}
        </>
      )}
    </section>
  );
}

function networkWords(
  network: ArchitectureChoice,
  trans: TranslationBundle
): string {
  const needs = trans.__(
    '%1 weights; sees %2 px around; a step on one megapixel takes about %3 MB.',
    network.parameters.toLocaleString(),
    network.halo_px,
    network.memory_mb
  );
  return `${network.about} ${needs}`;
}

function planFacts(
  plan: PlanItem,
  trans: TranslationBundle
): ReadonlyArray<readonly [string, string]> {
  const facts: Array<readonly [string, string]> = [
    [
      trans.__('Steps'),
      trans.__(
        '%1, %2 in each epoch',
        plan.total_steps.toLocaleString(),
        plan.steps_per_epoch.toLocaleString()
      )
    ],
    [
      trans.__('A step sees'),
      trans.__(
        '%1 tiles of %2 px, %3 channels',
        plan.batch_size,
        plan.crop_px,
        plan.channels
      )
    ],
    [
      trans.__('Learned from, looked at'),
      trans.__('%1 and %2 tiles', plan.training_chips, plan.validation_chips)
    ],
    [trans.__('Answers'), plan.outputs.join(', ')],
    [trans.__('Weights'), plan.parameters.toLocaleString()],
    [
      trans.__('Device'),
      plan.precision === null
        ? plan.device
        : `${plan.device}, ${plan.precision}`
    ]
  ];
  if (plan.memory_bytes !== null) {
    facts.push([
      trans.__('Memory of a step'),
      trans.__('about %1', bytes(plan.memory_bytes))
    ]);
  }
  return facts;
}
