/** What was done and is on its way to the kernel: sent in order, kept until it is answered, told of when it is refused. */

import type { IDisposable } from '@lumino/disposable';

import { type IEntry, Outbox } from './outbox';
import type { Deed, IAckMessage, IRefusedMessage } from './protocol';

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

/** The outbox of one page, and what became of its entries. */
export class Delivery implements IDisposable {
  /**
   * @param scope - Names the document.
   * @param client - Names the page.
   */
  constructor(
    scope: string,
    readonly client: string,
    private readonly _send: Send
  ) {
    this._outbox = new Outbox(scope);
  }

  /** The kernel can be reached. */
  isOnline = true;
  /** The login has run out. */
  isLoggedOut = false;

  /** Of the last deed. */
  get number(): number {
    return this._number;
  }

  get refusal(): IRefusal | null {
    return this._refusal;
  }

  get state(): SaveState {
    if (this.isLoggedOut) {
      return 'login';
    }
    if (!this.isOnline) {
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
  }

  /** Take over what an earlier page left. */
  load(): Promise<void> {
    return this._outbox.load();
  }

  /** Keep a deed and send it; returns its number. */
  add(deed: Deed, bytes: ArrayBuffer | null): number {
    const number = ++this._number;
    const entry = this._outbox.add(this.client, number, deed, bytes);
    if (this._refusal?.retry === true) {
      this.sendAll(); // in their order, the refused one first
    } else {
      this._sendEntry(entry);
    }
    if (this._refusal?.retry !== true && this._refusal?.conflict !== true) {
      this._refusal = null;
    }
    return number;
  }

  /** Send everything that is not answered, once more. */
  sendAll(): void {
    this._outbox.entries.forEach(entry => this._sendEntry(entry));
  }

  /** Send a message that is not kept; returns whether it went. */
  post(content: object, buffers: ArrayBuffer[] = []): boolean {
    return this._try({ ...content, client: this.client }, buffers);
  }

  /** Take an acknowledgement; returns whether it was for an entry of ours. */
  acknowledged({ client, number, note }: IAckMessage): boolean {
    if (!this._outbox.has(client, number)) {
      return false; // of another page
    }
    this._outbox.remove(client, number);
    if (this._refusal?.retry === true && this._refusal.number <= number) {
      this._refusal = null;
    }
    if (note !== null) {
      const told = { client, number, message: note, hint: '' };
      this._refusal = { ...told, retry: false, conflict: true };
    }
    return true;
  }

  /** Take a refusal; returns whether a deed of ours is given up. */
  refused(refused: IRefusedMessage): boolean {
    const { client, number } = refused;
    const isOurs = this._outbox.has(client, number);
    if (!isOurs && client !== this.client) {
      return false;
    }
    // what waits behind a refused deed is refused too: the words of the first one count
    if (this._refusal?.retry !== true || number <= this._refusal.number) {
      this._refusal = refused;
    }
    if (!isOurs || refused.retry) {
      return false;
    }
    this._outbox.remove(client, number);
    return true;
  }

  /** The words of the refusal were read. */
  forgive(): void {
    this._refusal = null;
  }

  /** Give up what was refused; returns its number. */
  discard(): number | null {
    if (this._refusal === null) {
      return null;
    }
    const { client, number } = this._refusal;
    this._outbox.remove(client, number);
    this._try({ type: 'forget', client, number }, []);
    return number;
  }

  private _sendEntry({ client, number, deed, bytes }: IEntry): void {
    this._try({ ...deed, client, number }, bytes === null ? [] : [bytes]);
  }

  private _try(content: object, buffers: ArrayBuffer[]): boolean {
    try {
      this._send(content, buffers);
      return true;
    } catch {
      this.isOnline = false; // a dead kernel; what is unsaved is sent to the next one
      return false;
    }
  }

  private readonly _outbox: Outbox;
  private _refusal: IRefusal | null = null;
  private _isDisposed = false;
  private _number = 0;
}
