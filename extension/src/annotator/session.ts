/** One page's talk with the kernel: the document as it is there, what is on its way, what is chosen. */

import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { Calm } from './calm';
import { DisplayList, type IItem } from './displaylist';
import { type IEntry, Outbox } from './outbox';
import type {
  CommandName,
  Deed,
  IAckMessage,
  ICommandArgs,
  IDescribedMessage,
  IGestureSettings,
  IOptionsMessage,
  IProposingMessage,
  IRefusedMessage,
  KernelMessage
} from './protocol';

const TELL_MS = 40;

/** Send a message to the kernel; throws where there is none. */
export type Send = (content: object, buffers: ArrayBuffer[]) => void;

/** How safe what was done is. */
export type SaveState =
  'saved' | 'saving' | 'offline' | 'login' | 'refused' | 'conflict';

export interface IRefusal {
  readonly client: string;
  readonly number: number;
  readonly message: string;
  readonly hint: string;
  /** It is kept and sent again; else it is gone, and these words are all that is left of it. */
  readonly retry: boolean;
  readonly conflict: boolean;
}

/** The document, the selection and the outbox of one view. */
export class AnnotatorSession implements IDisposable {
  constructor(
    scope: string,
    private readonly _send: Send
  ) {
    this._outbox = new Outbox(scope);
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
    return this._refusal;
  }

  /** Whether the document has come. */
  get isReady(): boolean {
    return this.list.revision >= 0;
  }

  get saveState(): SaveState {
    if (this._isLoggedOut) {
      return 'login';
    }
    if (!this._isOnline) {
      return 'offline';
    }
    if (this._refusal !== null) {
      return this._refusal.conflict ? 'conflict' : 'refused';
    }
    return this._outbox.entries.length > 0 ? 'saving' : 'saved';
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._outbox.dispose();
    this._telling.dispose();
    Signal.clearData(this);
  }

  /** Take over what an earlier page left, and ask for the document. */
  async start(): Promise<void> {
    await this._outbox.load();
    this.hello();
  }

  /** Ask for the whole document; what is not acknowledged follows when it comes. */
  hello(): void {
    this._resends = true;
    this._post({ type: 'hello', client: this.client }, []);
  }

  /** The refusal was read; what may succeed now is sent once more. */
  tryAgain(): void {
    this._refusal = null;
    this.hello();
    this._changed.emit();
  }

  /** Give up what was refused, and send what waits behind it. */
  discard(): void {
    const refusal = this._refusal;
    if (refusal !== null) {
      const { client, number } = refusal;
      this._outbox.remove(client, number);
      this._answered.emit(number);
      this._post({ type: 'forget', client, number }, []);
    }
    this.tryAgain();
  }

  /** The login has run out, or holds again. */
  set isLoggedOut(isLoggedOut: boolean) {
    if (isLoggedOut !== this._isLoggedOut) {
      this._isLoggedOut = isLoggedOut;
      this._changed.emit();
    }
  }

  /** The kernel can be reached, or not. */
  set isOnline(isOnline: boolean) {
    const isBack = isOnline && !this._isOnline;
    this._isOnline = isOnline;
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
    const ids = this._selection;
    this._post({ type: 'copy', client: this.client, ids }, []);
  }

  /** Ask Python to draw its layer again. */
  askForSketch(): void {
    this._post({ type: 'sketch', client: this.client }, []);
  }

  /** Ask what is known of an object. */
  describe(id: string): void {
    this._post({ type: 'describe', client: this.client, id }, []);
  }

  /** Ask which assistants and models there are now. */
  askOptions(): void {
    this._post({ type: 'options', client: this.client }, []);
  }

  /** Ask a model for proposals; `proposing` tells what becomes of it. */
  propose(model: string): void {
    this._post({ type: 'propose', client: this.client, model }, []);
  }

  stopProposing(): void {
    this._post({ type: 'stop_proposing', client: this.client }, []);
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
        this._refused(message);
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
    if (!this._outbox.has(ack.client, ack.number)) {
      return; // of another page
    }
    this._outbox.remove(ack.client, ack.number);
    if (this._refusal?.retry === true && this._refusal.number <= ack.number) {
      this._refusal = null;
    }
    if (ack.note !== null) {
      const { client, number, note } = ack;
      this._refuse({ client, number, message: note, hint: '', conflict: true });
    }
    if (ack.client === this.client) {
      if (ack.selection !== null) {
        this._selection = ack.selection.filter(
          id => this.list.get(id) !== undefined
        );
      }
      this._answered.emit(ack.number);
    }
  }

  private _refused(refused: IRefusedMessage): void {
    const { client, number } = refused;
    const isOurs = this._outbox.has(client, number);
    if (!isOurs && client !== this.client) {
      return;
    }
    // what waits behind a refused deed is refused too: the words of the first one count
    if (this._refusal?.retry !== true || number <= this._refusal.number) {
      this._refuse(refused);
    }
    if (isOurs && !refused.retry) {
      this._outbox.remove(client, number);
      this._answered.emit(number);
    }
  }

  private _refuse(
    refusal: Omit<IRefusal, 'retry'> & { retry?: boolean }
  ): void {
    this._refusal = { ...refusal, retry: refusal.retry ?? false };
  }

  private _do(deed: Deed, bytes: ArrayBuffer | null): number {
    const number = ++this._number;
    const entry = this._outbox.add(this.client, number, deed, bytes);
    if (this._refusal?.retry === true) {
      this._outbox.entries.forEach(one => this._sendEntry(one)); // in their order, the refused one first
    } else {
      this._sendEntry(entry);
    }
    if (this._refusal?.retry !== true && this._refusal?.conflict !== true) {
      this._refusal = null;
    }
    this._changed.emit();
    return number;
  }

  private _sendAgain(): void {
    if (this._resends) {
      this._resends = false;
      this._outbox.entries.forEach(entry => this._sendEntry(entry));
    }
  }

  private _sendEntry({ client, number, deed, bytes }: IEntry): void {
    this._post({ ...deed, client, number }, bytes === null ? [] : [bytes]);
  }

  private _post(content: object, buffers: ArrayBuffer[]): void {
    try {
      this._send(content, buffers);
    } catch {
      this._isOnline = false; // a dead kernel; what is unsaved is sent to the next one
      this._changed.emit();
    }
  }

  private readonly _outbox: Outbox;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _told = new Signal<this, void>(this);
  private readonly _telling = new Calm(() => this._told.emit(), TELL_MS);
  private readonly _answered = new Signal<this, number>(this);
  private readonly _copied = new Signal<this, string>(this);
  private _selection: ReadonlyArray<string> = [];
  private _canUndo = false;
  private _canRedo = false;
  private _completedTasks: ReadonlyArray<string> = [];
  private _refusal: IRefusal | null = null;
  private _options: IOptionsMessage = {
    type: 'options',
    assistants: [],
    models: []
  };
  private _proposing: IProposingMessage = { type: 'proposing', state: 'idle' };
  private _described: IDescribedMessage | null = null;
  private _isOnline = true;
  private _isLoggedOut = false;
  private _isDisposed = false;
  private _resends = false;
  private _number = 0;
}
