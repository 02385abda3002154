/** The tab with the training sets of one project. */

import type { CommandRegistry } from '@lumino/commands';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { RUNS } from '../commands';
import { documentBoard } from '../documents';
import type { IProjectArgs } from '../projecttabs';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import { TabPanel, Tabs } from '../tabs';
import type { SetItem, SetList } from '../wire';
import { BuilderModel } from './builder';
import { BuilderView } from './builderview';
import { Shelf } from './shelf';
import type { IWish } from './wish';

type Page = 'build' | 'shelf';

/** Reads the sets when it is shown; what would come of the wish is asked again when annotations have changed. */
export class SetsView extends ReactWidget {
  constructor(
    readonly args: IProjectArgs,
    private readonly _api: LabKitApi,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Sets');
    this._model = new BuilderModel(_api, args.projectId, _trans);
    documentBoard.changed.connect(() => this._readIfSeen(), this);
    _commands.commandChanged.connect(
      (_, { id }) => id === RUNS && this.update(),
      this
    );
  }

  override dispose(): void {
    Signal.clearData(this);
    this._model.dispose();
    super.dispose();
  }

  /** Read which sets there are. */
  async read(): Promise<void> {
    try {
      this._found = await this._api.sets.listSets(this.args.projectId);
      this._error = null;
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    if (!this.isDisposed) {
      this.update();
    }
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    const found = this._found;
    return (
      <>
        <header>
          <h2>
            {trans.__('Training sets of %1', found?.title ?? this.args.title)}
          </h2>
          {found !== null && (
            <Tabs
              name="sets"
              label={trans.__('Parts of this tab')}
              value={this._pageOf(found)}
              tabs={[
                ['build', trans.__('Build a set')],
                ['shelf', trans.__('Sets (%1)', found.sets.length)]
              ]}
              onChange={page => this._show(page)}
            />
          )}
          <button
            type="button"
            className="labkit-Button"
            onClick={() => this._refresh()}
          >
            {trans.__('Refresh')}
          </button>
        </header>
        <ErrorNote words={this._error} />
        {found === null && this._error === null && (
          <p role="status">{trans.__('Reading the training sets…')}</p>
        )}
        {found !== null && this._content(found)}
      </>
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._refresh();
  }

  /** The first tab of all is seen at once, and not shown later. */
  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._readIfSeen();
  }

  private _content(found: SetList): React.JSX.Element {
    const shared = {
      api: this._api,
      projectId: this.args.projectId,
      trans: this._trans
    };
    const page = this._pageOf(found);
    return (
      <TabPanel name="sets" value={page}>
        {this._note !== '' && (
          <p className="labkit-Sets-note" role="status">
            {this._note}
          </p>
        )}
        {page === 'build' ? (
          <BuilderView
            {...shared}
            model={this._model}
            found={found}
            onBuilt={set => void this._built(set)}
          />
        ) : (
          <Shelf
            {...shared}
            sets={found.sets}
            shown={this._shown}
            onShow={key => {
              this._shown = key;
              this.update();
            }}
            onUse={wish => this._use(wish)}
            onRun={
              this._commands.hasCommand(RUNS) ? set => this._run(set) : null
            }
          />
        )}
      </TabPanel>
    );
  }

  private _pageOf(found: SetList): Page {
    return this._page ?? (found.sets.length > 0 ? 'shelf' : 'build');
  }

  private _show(page: Page): void {
    this._note = '';
    this._page = page;
    this.update();
  }

  private async _built(set: SetItem): Promise<void> {
    const trans = this._trans;
    const isOld = this._found?.sets.some(({ key }) => key === set.key);
    this._note = isOld
      ? trans.__(
          '%1 was there already: the same tiles, annotations and split give the same set.',
          set.key
        )
      : trans.__('%1 is built.', set.key);
    this._shown = set.key;
    this._page = 'shelf';
    await this.read();
  }

  private _use(wish: IWish): void {
    this._model.change(wish);
    this._show('build');
  }

  private _run(set: SetItem): void {
    const { projectId } = this.args;
    const title = this._found?.title ?? this.args.title;
    void this._commands.execute(RUNS, {
      projectId,
      title,
      trainingSet: set.key
    });
  }

  private _refresh(): void {
    void this.read();
    void this._model.plan();
  }

  private _readIfSeen(): void {
    if (this.isVisible) {
      this._refresh();
    }
  }

  private readonly _model: BuilderModel;
  private _found: SetList | null = null;
  private _error: readonly [string, string] | null = null;
  private _note = ''; // what became of the last wish to build
  private _page: Page | null = null;
  private _shown: string | null = null;
}
