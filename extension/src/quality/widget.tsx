/** The tab with the quality of one project. */

import type { CommandRegistry } from '@lumino/commands';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ANNOTATE } from '../commands';
import { documentBoard, type ITarget } from '../documents';
import type { IProjectArgs } from '../projecttabs';
import type { ProgressList } from '../wire';
import { Agreement, Gold } from './agreement';
import { Consensus, CONSENSUS } from './consensus';
import { ErrorNote } from './notes';
import { Progress } from './progress';
import { Validation } from './validation';
import { errorWords } from './words';

/** Reads the progress when it is shown, and when something was changed. */
export class QualityView extends ReactWidget {
  constructor(
    readonly args: IProjectArgs,
    private readonly _api: LabKitApi,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Quality');
    documentBoard.changed.connect(() => this._readIfSeen(), this);
  }

  override dispose(): void {
    Signal.clearData(this);
    super.dispose();
  }

  /** Read how far everybody is. */
  async read(): Promise<void> {
    try {
      this._found = await this._api.projects.readProgress(this.args.projectId);
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
          <h2>{trans.__('Quality of %1', found?.title ?? this.args.title)}</h2>
          <button
            type="button"
            className="labkit-Button"
            onClick={() => void this.read()}
          >
            {trans.__('Refresh')}
          </button>
        </header>
        <ErrorNote words={this._error} />
        {found === null && this._error === null && (
          <p role="status">{trans.__('Reading the annotations…')}</p>
        )}
        {found !== null && this._parts(found)}
      </>
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this.read();
  }

  /** The first tab of all is seen at once, and not shown later. */
  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._readIfSeen();
  }

  private _parts(found: ProgressList): React.JSX.Element {
    const trans = this._trans;
    const api = this._api;
    const { projectId } = this.args;
    if (found.rows.length === 0) {
      return (
        <p>{trans.__('There is no image in this project yet. Import one.')}</p>
      );
    }
    const shared = { api, projectId, found, trans };
    return (
      <>
        <Part title={trans.__('Progress')}>
          <Progress
            found={found}
            trans={trans}
            onOpen={row => this._open(row.image_id, row.image, row.author)}
          />
        </Part>
        <Part title={trans.__('What looks wrong')}>
          <Validation
            {...shared}
            onOpen={fault =>
              this._open(fault.image_id, fault.image, fault.author, {
                objectId: fault.object_id,
                ...(fault.y === null || fault.x === null
                  ? {}
                  : { place: [fault.y, fault.x] as const })
              })
            }
          />
        </Part>
        <Part title={trans.__('Agreement of two authors')}>
          <Agreement {...shared} />
        </Part>
        <Part title={trans.__('Agreement with a reference')}>
          <Gold {...shared} />
        </Part>
        <Part title={trans.__('Consensus')}>
          <Consensus
            {...shared}
            onOpen={made => this._open(made.image_id, made.image, CONSENSUS)}
            onBuilt={() => void this._built()}
          />
        </Part>
      </>
    );
  }

  private async _built(): Promise<void> {
    documentBoard.noteChange({ document: null, what: 'objects' });
    await this.read();
  }

  private _open(
    imageId: string,
    image: string,
    author: string | null,
    target?: ITarget
  ): void {
    const { projectId } = this.args;
    const me = this._found?.me ?? '';
    if (target !== undefined && author !== null) {
      documentBoard.pointTo({ projectId, imageId, author }, target);
    }
    const isOwn = author === null || author === me;
    void this._commands.execute(ANNOTATE, {
      projectId,
      imageId,
      author: isOwn ? '' : author,
      title: isOwn ? image : `${image} (${author})`
    });
  }

  private _readIfSeen(): void {
    if (this.isVisible) {
      void this.read();
    }
  }

  private _found: ProgressList | null = null;
  private _error: readonly [string, string] | null = null;
}

function Part(
  props: React.PropsWithChildren<{ readonly title: string }>
): React.JSX.Element {
  return (
    <section aria-label={props.title}>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}
