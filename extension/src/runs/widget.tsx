/** The tab with the runs and models of one project. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, ReactWidget, refreshIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { type ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import type { RunItem } from '../wire';
import { Comparison } from './compare';
import { RunDetail } from './detail';
import type { IRunActions } from './runbuttons';
import { RunRows } from './list';
import { RunsModel } from './model';
import { Models } from './models';
import { askForRun } from './newrun';
import { standing } from './words';

export type Part = 'runs' | 'models';

/** What the tab shows, kept by the layout through a reload. */
export interface IRunsArgs {
  readonly projectId: string;
  readonly title: string;
  readonly part: Part;
  readonly run: string | null;
  readonly model: string | null;
}

const CLOCK_MS = 1_000;

/** Reads while it is seen, and says aloud when a run comes into another state. */
export class RunsView extends ReactWidget {
  constructor(
    args: IRunsArgs,
    private readonly _api: LabKitApi,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this._args = args;
    this.addClass('labkit-Quality');
    this.addClass('labkit-Runs');
    this._model = new RunsModel(_api, args.projectId, () => this.isVisible);
    if (args.run !== null) {
      this._model.choose(args.run);
    }
    this._model.changed.connect(this._show, this);
    this._model.stateTold.connect(this._tell, this);
    this._clock = window.setInterval(() => this._tick(), CLOCK_MS);
  }

  get args(): IRunsArgs {
    return this._args;
  }

  /** Something else is shown: the layout is to be saved. */
  get argsChanged(): ISignal<this, void> {
    return this._argsChanged;
  }

  override dispose(): void {
    window.clearInterval(this._clock);
    this._model.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  /** Ask for a new run, and show it; of a training set, if one is named. */
  async startRun(trainingSet?: string): Promise<void> {
    const run = await askForRun(
      this._api,
      this._args.projectId,
      this._trans,
      trainingSet
    );
    if (run !== null) {
      await this._model.refresh();
      this._choose(run.id);
      this._say(run);
    }
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._model.watch();
  }

  /** The first tab of all is seen at once, and not shown later. */
  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this._model.watch();
    }
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    const { part } = this._args;
    const title = this._model.list?.title ?? this._args.title;
    return (
      <>
        <header>
          <h2>{trans.__('Runs of %1', title)}</h2>
          <button
            type="button"
            className="labkit-Button labkit-mod-primary"
            onClick={() => void this.startRun()}
          >
            <addIcon.react tag="span" aria-hidden="true" />
            {trans.__('New run')}
          </button>
          <button
            type="button"
            className="labkit-IconButton"
            title={trans.__('Refresh')}
            aria-label={trans.__('Refresh')}
            onClick={() => void this._model.refresh()}
          >
            <refreshIcon.react tag="span" />
          </button>
        </header>
        <p className="labkit-visually-hidden" role="status">
          {this._told}
        </p>
        <Tabs
          label={title}
          shown={part}
          parts={[
            ['runs', trans.__('Runs')],
            ['models', trans.__('Models')]
          ]}
          onShow={next => this._change({ part: next })}
        />
        <div
          role="tabpanel"
          id={`labkit-runs-panel-${part}`}
          aria-labelledby={`labkit-runs-tab-${part}`}
        >
          <ErrorNote words={this._error} />
          {part === 'runs' ? this._runs() : this._models()}
        </div>
      </>
    );
  }

  private _runs(): React.JSX.Element {
    const trans = this._trans;
    const model = this._model;
    const { follower, list } = model;
    const now = Date.now() + model.clockAheadMs;
    const marked = list?.runs.filter(run => this._marked.has(run.id)) ?? [];
    const isComparing = this._isComparing && marked.length > 1;
    return (
      <>
        <ErrorNote
          words={model.error === null ? null : this._troubleOf(model.error)}
        />
        {list === null && model.error === null && (
          <p role="status">{trans.__('Reading the runs…')}</p>
        )}
        {list?.runs.length === 0 && (
          <p>
            {trans.__(
              'Nothing has been trained yet. Build a training set, then start a run with the button above.'
            )}
          </p>
        )}
        {list !== null && list.runs.length > 0 && (
          <div className="labkit-Runs-columns">
            <div className="labkit-Runs-side">
              <CompareButton
                count={marked.length}
                isComparing={isComparing}
                trans={trans}
                onClick={() => {
                  this._isComparing = !isComparing;
                  this.update();
                }}
              />
              <RunRows
                runs={list.runs}
                chosen={isComparing ? null : model.chosen}
                marked={this._marked}
                now={now}
                trans={trans}
                onChoose={run => this._choose(run.id)}
                onMark={(run, isMarked) =>
                  this._mark(this._marked, run.id, isMarked)
                }
                onMove={(run, place) =>
                  void this._doing(() => model.move(run, place))
                }
              />
            </div>
            {isComparing ? (
              <section
                className="labkit-RunDetail"
                aria-label={trans.__('Comparison')}
              >
                <Comparison
                  api={this._api}
                  projectId={this._args.projectId}
                  asked={{ runs: marked.map(({ id }) => id) }}
                  trans={trans}
                />
              </section>
            ) : (
              follower !== null && (
                <RunDetail
                  key={follower.run.runId}
                  story={follower.story}
                  silence={follower.silence}
                  samplesUrl={mark => this._api.samplesUrl(follower.run, mark)}
                  now={now}
                  isBusy={this._isBusy}
                  trans={trans}
                  actions={this._actions}
                />
              )
            )}
          </div>
        )}
      </>
    );
  }

  private _models(): React.JSX.Element {
    const trans = this._trans;
    const marked = [...this._markedModels];
    const isComparing = this._isComparing && marked.length > 1;
    return (
      <>
        <CompareButton
          count={marked.length}
          isComparing={isComparing}
          trans={trans}
          onClick={() => {
            this._isComparing = !isComparing;
            this.update();
          }}
        />
        {isComparing && (
          <Comparison
            api={this._api}
            projectId={this._args.projectId}
            asked={{ models: marked }}
            trans={trans}
          />
        )}
        <Models
          api={this._api}
          projectId={this._args.projectId}
          chosen={this._args.model}
          marked={this._markedModels}
          trans={trans}
          onChoose={key => this._change({ model: key })}
          onMark={(key, isMarked) =>
            this._mark(this._markedModels, key, isMarked)
          }
        />
      </>
    );
  }

  private _choose(runId: string): void {
    this._isComparing = false;
    this._model.choose(runId);
    this._change({ part: 'runs', run: runId });
  }

  private _mark(marks: Set<string>, key: string, isMarked: boolean): void {
    if (isMarked) {
      marks.add(key);
    } else {
      marks.delete(key);
    }
    this.update();
  }

  /** Do something, and say what the server has against it. */
  private async _doing(action: () => Promise<void>): Promise<void> {
    this._isBusy = true;
    this._error = null;
    this.update();
    try {
      await action();
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._isBusy = false;
    this._show();
  }

  private _troubleOf(error: unknown): readonly [string, string] {
    const [message, hint] = errorWords(error, this._trans);
    return [message, hint];
  }

  private _change(change: Partial<IRunsArgs>): void {
    this._args = { ...this._args, ...change };
    this._argsChanged.emit();
    this.update();
  }

  private _show(): void {
    if (this.isDisposed) {
      return;
    }
    const { chosen } = this._model;
    if (chosen !== this._args.run) {
      this._change({ run: chosen });
    }
    this.update();
  }

  private _tell(_: RunsModel, run: RunItem): void {
    this._say(run);
  }

  private _say(run: RunItem): void {
    this._told = this._trans.__(
      '%1: %2',
      run.title,
      standing(run, this._trans)
    );
    this.update();
  }

  /** Times go on. */
  private _tick(): void {
    const isLive = this._model.list?.runs.some(run => run.ended === null);
    if (isLive === true && this.isVisible && this._args.part === 'runs') {
      this.update();
    }
  }

  private readonly _actions: IRunActions = {
    change: (run, how) => void this._doing(() => this._model.change(run, how)),
    open: (path, isText) =>
      void this._commands.execute('docmanager:open', {
        path,
        ...(isText ? { factory: 'Editor' } : {})
      }),
    showModel: key => this._change({ part: 'models', model: key }),
    choose: runId => this._choose(runId)
  };
  private readonly _model: RunsModel;
  private readonly _argsChanged = new Signal<this, void>(this);
  private readonly _marked = new Set<string>();
  private readonly _markedModels = new Set<string>();
  private readonly _clock: number;
  private _args: IRunsArgs;
  private _isComparing = false;
  private _isBusy = false;
  private _error: readonly [string, string] | null = null;
  private _told = '';
}

function CompareButton(props: {
  readonly count: number;
  readonly isComparing: boolean;
  readonly trans: TranslationBundle;
  readonly onClick: () => void;
}): React.JSX.Element {
  const { count, trans } = props;
  return (
    <button
      type="button"
      className="labkit-Button"
      aria-pressed={props.isComparing}
      disabled={count < 2}
      title={trans.__('Choose two or more with the boxes')}
      onClick={props.onClick}
    >
      {trans.__('Compare (%1)', count)}
    </button>
  );
}

/** Tabs that are walked through with the arrow keys. */
function Tabs(props: {
  readonly label: string;
  readonly shown: Part;
  readonly parts: ReadonlyArray<readonly [Part, string]>;
  readonly onShow: (part: Part) => void;
}): React.JSX.Element {
  const press = (event: React.KeyboardEvent<HTMLElement>): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) {
      return;
    }
    const here = props.parts.findIndex(([part]) => part === props.shown);
    const next = (here + by + props.parts.length) % props.parts.length;
    const [part] = props.parts[next] ?? [];
    if (part !== undefined) {
      event.preventDefault();
      props.onShow(part);
      const tabs = event.currentTarget.querySelectorAll<HTMLElement>('button');
      tabs[next]?.focus();
    }
  };
  return (
    <div
      role="tablist"
      aria-label={props.label}
      className="labkit-Runs-tabs"
      onKeyDown={press}
    >
      {props.parts.map(([part, words]) => (
        <button
          key={part}
          type="button"
          role="tab"
          id={`labkit-runs-tab-${part}`}
          aria-controls={`labkit-runs-panel-${part}`}
          aria-selected={part === props.shown}
          tabIndex={part === props.shown ? 0 : -1}
          onClick={() => props.onShow(part)}
        >
          {words}
        </button>
      ))}
    </div>
  );
}
