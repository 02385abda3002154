/** One page's talk with the kernel: the document as it is there, and what is chosen of it. */

import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { Calm } from './calm';
import { Delivery, type IRefusal, type SaveState, type Send } from './delivery';
import { DisplayList, type IItem } from './displaylist';
import type {
  CommandName,
  Deed,
  IAckMessage,
  ICommandArgs,
  IDescribedMessage,
  IGestureSettings,
  IOptionsMessage,
  IProposingMessage,
  KernelMessage
} from './protocol';

const TELL_MS = 40;

/** The document and the selection of one view; what is done to it goes out by a `Delivery`. */
export class AnnotatorSession implements IDisposable {
  constructor(scope: string, send: Send) {
    this._delivery = new Delivery(scope, this.client, send);
    this._changed.connect(() => this._telling.ask());
  }

  readonly client = UUID.uuid4();
  readonly list = new DisplayList();

  /** The document, the selection or the state of saving is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** As `changed`, but once for all that changes within a moment: for lists and buttons, which are dear to draw. */
  get told(): ISignal<this, void> {
    return this._told;
  }

  /** A deed was answered; its preview is not needed any more. */
  get answered(): ISignal<this, number> {
    return this._answered;
  }

  /** Objects were copied, as text. */
  get copied(): ISignal<this, string> {
    return this._copied;
  }

  get selection(): ReadonlyArray<string> {
    return this._selection;
  }

  set selection(ids: ReadonlyArray<string>) {
    this._selection = ids.filter(id => this.list.get(id) !== undefined);
    this._chosenAfter = this._delivery.number;
    this._changed.emit();
  }

  get chosen(): IItem[] {
    return this._selection.flatMap(id => this.list.get(id) ?? []);
  }

  get canUndo(): boolean {
    return this._canUndo;
  }

  get canRedo(): boolean {
    return this._canRedo;
  }

  get completedTasks(): ReadonlyArray<string> {
    return this._completedTasks;
  }

  /** What can be chosen in this kernel and project. */
  get options(): IOptionsMessage {
    return this._options;
  }

  /** What a model does that was asked for proposals. */
  get proposing(): IProposingMessage {
    return this._proposing;
  }

  /** What the kernel told of an object, if it was asked for that one last. */
  described(id: string): IDescribedMessage | null {
    return this._described?.id === id ? this._described : null;
  }

  get refusal(): IRefusal | null {
    return this._delivery.refusal;
  }

  /** Whether the document has come. */
  get isReady(): boolean {
    return this.list.revision >= 0;
  }

  get saveState(): SaveState {
    return this._delivery.state;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._delivery.dispose();
    this._telling.dispose();
    Signal.clearData(this);
  }

  /** Take over what an earlier page left, and ask for the document. */
  async start(): Promise<void> {
    await this._delivery.load();
    this.hello();
  }

  /** Ask for the whole document; what is not acknowledged follows when it comes. */
  hello(): void {
    this._resends = true;
    this._post({ type: 'hello' });
  }

  /** The refusal was read; what may succeed now is sent once more. */
  tryAgain(): void {
    this._delivery.forgive();
    this.hello();
    this._changed.emit();
  }

  /** Give up what was refused, and send what waits behind it. */
  discard(): void {
    const number = this._delivery.discard();
    if (number !== null) {
      this._answered.emit(number);
    }
    this.tryAgain();
  }

  /** The login has run out, or holds again. */
  set isLoggedOut(isLoggedOut: boolean) {
    if (isLoggedOut !== this._delivery.isLoggedOut) {
      this._delivery.isLoggedOut = isLoggedOut;
      this._changed.emit();
    }
  }

  /** The kernel can be reached, or not. */
  set isOnline(isOnline: boolean) {
    const isBack = isOnline && !this._delivery.isOnline;
    this._delivery.isOnline = isOnline;
    if (isBack) {
      this.hello();
    }
    this._changed.emit();
  }

  /** Send a whole gesture; returns its number. */
  gesture(
    settings: IGestureSettings,
    keys: ReadonlyArray<string>,
    rows: Float64Array<ArrayBuffer>
  ): number {
    return this._do({ type: 'gesture', ...settings, keys }, rows.buffer);
  }

  command(
    name: CommandName,
    ids: ReadonlyArray<string> = [],
    args: ICommandArgs = {}
  ): number {
    return this._do({ type: 'command', name, ids, args }, null);
  }

  /** Ask for the chosen objects as text; `copied` tells them. */
  copy(): void {
    this._post({ type: 'copy', ids: this._selection });
  }

  /** Ask Python to draw its layer again. */
  askForSketch(): void {
    this._post({ type: 'sketch' });
  }

  /** Ask what is known of an object. */
  describe(id: string): void {
    this._post({ type: 'describe', id });
  }

  /** Ask which assistants and models there are now. */
  askOptions(): void {
    this._post({ type: 'options' });
  }

  /** Ask a model for proposals; `proposing` tells what becomes of it. */
  propose(model: string): void {
    this._post({ type: 'propose', model });
  }

  stopProposing(): void {
    this._post({ type: 'stop_proposing' });
  }

  /** Take a message of the kernel. */
  take(message: KernelMessage, buffers: ReadonlyArray<DataView>): void {
    switch (message.type) {
      case 'scene':
        this.list.replace(message, buffers);
        this._takeState(message);
        this._sendAgain();
        break;
      case 'patch':
        if (!this.list.patch(message, buffers)) {
          if (message.revision > this.list.revision) {
            this.hello();
          }
          return;
        }
        this._takeState(message);
        break;
      case 'ack':
        this._acknowledged(message);
        break;
      case 'refused':
        if (this._delivery.refused(message)) {
          this._answered.emit(message.number);
        }
        break;
      case 'options':
        this._options = message;
        break;
      case 'proposing':
        this._proposing = message;
        break;
      case 'described':
        this._described = message;
        break;
      case 'copied':
        if (message.client === this.client) {
          this._copied.emit(message.text);
        }
        return;
    }
    this._changed.emit();
  }

  private _takeState(state: {
    can_undo: boolean;
    can_redo: boolean;
    completed_tasks: ReadonlyArray<string>;
  }): void {
    this._canUndo = state.can_undo;
    this._canRedo = state.can_redo;
    this._completedTasks = state.completed_tasks;
    this._selection = this._selection.filter(
      id => this.list.get(id) !== undefined
    );
  }

  private _acknowledged(ack: IAckMessage): void {
    if (!this._delivery.acknowledged(ack) || ack.client !== this.client) {
      return;
    }
    if (ack.selection !== null && ack.number > this._chosenAfter) {
      this._selection = ack.selection.filter(
        id => this.list.get(id) !== undefined
      );
    }
    this._answered.emit(ack.number);
  }

  private _do(deed: Deed, bytes: ArrayBuffer | null): number {
    const number = this._delivery.add(deed, bytes);
    this._changed.emit();
    return number;
  }

  private _sendAgain(): void {
    if (this._resends) {
      this._resends = false;
      this._delivery.sendAll();
    }
  }

  private _post(content: object): void {
    if (!this._delivery.post(content)) {
      this._changed.emit();
    }
  }

  private readonly _delivery: Delivery;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _told = new Signal<this, void>(this);
  private readonly _telling = new Calm(() => this._told.emit(), TELL_MS);
  private readonly _answered = new Signal<this, number>(this);
  private readonly _copied = new Signal<this, string>(this);
  private _selection: ReadonlyArray<string> = [];
  private _chosenAfter = 0; // the deed before somebody chose: what it would choose comes too late
  private _canUndo = false;
  private _canRedo = false;
  private _completedTasks: ReadonlyArray<string> = [];
  private _options: IOptionsMessage = {
    type: 'options',
    assistants: [],
    models: []
  };
  private _proposing: IProposingMessage = { type: 'proposing', state: 'idle' };
  private _described: IDescribedMessage | null = null;
  private _isDisposed = false;
  private _resends = false;
}
