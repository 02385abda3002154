/** The tab with the runs and models of one project. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { type ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { IProjectArgs } from '../projecttabs';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import { TabPanel, Tabs } from '../tabs';
import type { RunItem } from '../wire';
import { Header } from './header';
import { RunsModel } from './model';
import { ModelsPart } from './modelspart';
import { askForRun } from './newrun';
import type { IRunActions } from './runbuttons';
import { RunsPart } from './runspart';
import { moment, standing } from './words';

export type Part = 'runs' | 'models';

/** What the tab shows, kept by the layout through a reload. */
export interface IRunsArgs extends IProjectArgs {
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
      if (run.state === 'done') {
        this._note = this._trans.__(
          'The same was trained before, by the run of %1: nothing was started.',
          moment(run.created)
        );
        this.update();
      } else {
        this._say(run);
      }
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
        <Header
          title={title}
          trans={trans}
          onNew={() => void this.startRun()}
          onRefresh={() => void this._model.refresh()}
        />
        <p className="labkit-visually-hidden" role="status">
          {this._told}
        </p>
        <Tabs
          name="runs"
          label={title}
          value={part}
          tabs={[
            ['runs', trans.__('Runs')],
            ['models', trans.__('Models')]
          ]}
          onChange={next => this._change({ part: next })}
        />
        <TabPanel name="runs" value={part}>
          <ErrorNote words={this._error} />
          {this._note !== '' && (
            <p className="labkit-Runs-quiet" role="status">
              {this._note}
            </p>
          )}
          {part === 'runs' ? this._runs() : this._models()}
        </TabPanel>
      </>
    );
  }

  private _runs(): React.JSX.Element {
    const model = this._model;
    return (
      <RunsPart
        model={model}
        marked={this._marked}
        isComparing={this._isComparing}
        isBusy={this._isBusy}
        trans={this._trans}
        actions={this._actions}
        onCompare={isComparing => this._compare(isComparing)}
        onMark={(run, isMarked) => this._mark(this._marked, run.id, isMarked)}
        onMove={(run, place) => void this._doing(() => model.move(run, place))}
      />
    );
  }

  private _models(): React.JSX.Element {
    return (
      <ModelsPart
        api={this._api}
        projectId={this._args.projectId}
        chosen={this._args.model}
        marked={this._markedModels}
        isComparing={this._isComparing}
        trans={this._trans}
        onCompare={isComparing => this._compare(isComparing)}
        onChoose={key => this._change({ model: key })}
        onMark={(key, isMarked) =>
          this._mark(this._markedModels, key, isMarked)
        }
      />
    );
  }

  private _compare(isComparing: boolean): void {
    this._isComparing = isComparing;
    this.update();
  }

  private _choose(runId: string): void {
    this._note = '';
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
  private _note = '';
}
