/**
 * Files on their way into projects: sent piece by piece, gone on with after
 * any interruption, then followed while the server imports them.
 */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type LabKitApi, RefusedError } from './api';
import type { UploadItem } from './wire';

const PIECE_BYTES = 4 << 20;
const BUSY_MS = 500;
const IDLE_MS = 5_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const RATE_OVER_MS = 4_000;

/** A file that somebody dropped, with its path inside a dropped folder. */
export interface IDroppedFile {
  readonly file: File;
  readonly path: string;
}

/** What happens in this window to a file that is not yet complete. */
export type Sending =
  | { readonly kind: 'queued' }
  | { readonly kind: 'sending'; readonly bytesPerS: number | null }
  | { readonly kind: 'reconnecting' }
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly hint: string;
    };

/** One line of the list: what this window does with a file, and what the server says of it. */
export interface IUploadRow {
  readonly key: string;
  readonly projectId: string;
  readonly name: string;
  readonly bytes: number;
  readonly received: number;
  readonly sending: Sending | null;
  readonly item: UploadItem | null;
}

/** Files dropped together: answers may go for all of them. */
interface IBatch {
  answers: Readonly<Record<string, string>> | null;
}

interface IEntry {
  readonly key: string;
  readonly projectId: string;
  readonly dropped: IDroppedFile;
  readonly batch: IBatch;
  id: string | null;
  received: number;
  sending: Sending;
  cancelled: boolean;
  arrived: boolean;
}

/** Sends files, one at a time, and follows those that the server has. */
export class UploadsModel implements IDisposable {
  /**
   * @param isWatched - Whether somebody can see the list; without, and with
   * nothing on its way, nothing is asked.
   * @param onDone - Called when images have arrived.
   */
  constructor(
    private readonly _api: LabKitApi,
    private readonly _isWatched: () => boolean,
    private readonly _onDone: () => void
  ) {
    window.addEventListener('online', this._wake);
    window.addEventListener('beforeunload', this._warn);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.removeEventListener('online', this._wake);
    window.removeEventListener('beforeunload', this._warn);
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /** All lines of a project: first those of this window, then what the server has beside them. */
  rowsOf(projectId: string): IUploadRow[] {
    const mine = this._entries.filter(e => e.projectId === projectId);
    const others = [...this._items.values()].filter(
      item => item.project_id === projectId && !mine.some(e => isSame(e, item))
    );
    return [
      ...others.map(item => ({
        key: item.id,
        projectId,
        name: item.name,
        bytes: item.bytes,
        received: item.received,
        sending: null,
        item
      })),
      ...mine.map(entry => this._rowOf(entry))
    ];
  }

  imageUrl(row: IUploadRow, maxPx: number): string | null {
    const image = row.item?.images[0];
    return image
      ? this._api.projects.imageUrl(row.projectId, image, maxPx)
      : null;
  }

  /** How many other files of the same drop are still on their way. */
  companionsOf(row: IUploadRow): number {
    const batch = this._entryOf(row)?.batch;
    return this._entries.filter(
      e => batch && e.batch === batch && e.key !== row.key && this._isOpen(e)
    ).length;
  }

  /** Whether the file was dropped in this window. */
  isMine(row: IUploadRow): boolean {
    return this._entryOf(row) !== undefined;
  }

  /** Take files for a project; they are sent in their turn. */
  add(projectId: string, files: readonly IDroppedFile[]): void {
    const batch: IBatch = { answers: null };
    for (const dropped of files) {
      const same = (e: IEntry): boolean =>
        e.projectId === projectId &&
        e.dropped.path === dropped.path &&
        e.dropped.file.name === dropped.file.name &&
        e.dropped.file.size === dropped.file.size &&
        e.dropped.file.lastModified === dropped.file.lastModified;
      const known = this._entries.find(same);
      if (known && known.sending.kind !== 'refused') {
        continue; // it is on its way already
      }
      this._entries = this._entries.filter(e => e !== known);
      this._entries.push({
        key: `local-${++this._count}`,
        projectId,
        dropped,
        batch,
        id: null,
        received: 0,
        sending: { kind: 'queued' },
        cancelled: false,
        arrived: false
      });
    }
    this._changed();
    void this._sendAll();
  }

  /** Answer what a file leaves open; throws what the server says against it. */
  async answer(
    row: IUploadRow,
    answers: Readonly<Record<string, string>>,
    forAll: boolean
  ): Promise<void> {
    if (row.item === null) {
      return;
    }
    const batch = this._entryOf(row)?.batch;
    if (forAll && batch) {
      batch.answers = answers;
    }
    this._take(await this._api.uploads.answerUpload(row.item.id, { answers }));
    this._look(0);
  }

  /** Cancel a file, or take one that ended out of the list. */
  async remove(row: IUploadRow): Promise<void> {
    const entry = this._entryOf(row);
    if (entry) {
      entry.cancelled = true;
      this._entries = this._entries.filter(e => e !== entry);
      this._wake();
    }
    const id = row.item?.id ?? entry?.id;
    if (id) {
      try {
        await this._api.uploads.removeUpload(id);
      } catch (error) {
        if (!(error instanceof RefusedError && error.status === 404)) {
          throw error;
        }
      } finally {
        this._items.delete(id);
        this._look(0);
      }
    }
    this._changed();
  }

  /** Somebody looks now. */
  watch(): void {
    this._look(0);
  }

  /** Whether a file may still ask something. */
  private _isOpen(entry: IEntry): boolean {
    const state = entry.id ? this._items.get(entry.id)?.state : 'uploading';
    return ['uploading', 'checking', 'asks', undefined].includes(state);
  }

  private _rowOf(entry: IEntry): IUploadRow {
    const item = (entry.id && this._items.get(entry.id)) || null;
    const arrived = item !== null && item.state !== 'uploading';
    const { file } = entry.dropped;
    return {
      key: entry.key,
      projectId: entry.projectId,
      name: file.name,
      bytes: file.size,
      received: arrived ? file.size : entry.received,
      sending: arrived ? null : entry.sending,
      item
    };
  }

  private _entryOf(row: IUploadRow): IEntry | undefined {
    return this._entries.find(entry => entry.key === row.key);
  }

  private async _sendAll(): Promise<void> {
    if (this._isSending) {
      return;
    }
    this._isSending = true;
    try {
      for (;;) {
        const next = this._entries.find(e => e.sending.kind === 'queued');
        if (next === undefined || this._isDisposed) {
          break;
        }
        await this._send(next);
      }
    } finally {
      this._isSending = false;
    }
  }

  /** Send one file to its end, however often the connection breaks. */
  private async _send(entry: IEntry): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!entry.cancelled && !this._isDisposed) {
      const before = entry.received;
      try {
        await this._sendPieces(entry);
        return;
      } catch (error) {
        if (entry.cancelled) {
          return;
        }
        if (error instanceof RefusedError && !isPassing(error)) {
          this._set(entry, {
            kind: 'refused',
            message: error.message,
            hint: error.hint
          });
          return;
        }
        if (error instanceof UnreadableFileError) {
          this._set(entry, {
            kind: 'refused',
            message: error.message,
            hint: error.hint
          });
          return;
        }
        waitMs =
          entry.received > before
            ? FIRST_WAIT_MS
            : Math.min(2 * waitMs, LONGEST_WAIT_MS);
        this._set(entry, { kind: 'reconnecting' });
        await this._rest(waitMs);
      }
    }
  }

  private async _sendPieces(entry: IEntry): Promise<void> {
    const { file, path } = entry.dropped;
    let item = await this._api.uploads.beginUpload({
      project_id: entry.projectId,
      name: file.name,
      relative_path: path,
      bytes: file.size,
      last_modified: file.lastModified
    });
    entry.id = item.id;
    const rate = new Rate(RATE_OVER_MS);
    while (item.state === 'uploading' && !entry.cancelled) {
      entry.received = item.received;
      rate.add(item.received);
      this._set(entry, { kind: 'sending', bytesPerS: rate.bytesPerS });
      const end = Math.min(item.received + PIECE_BYTES, file.size);
      const piece = await bytesOf(file, item.received, end);
      item = await this._api.uploads.sendPiece(item.id, item.received, piece);
    }
    entry.received = file.size;
    entry.arrived = true;
    this._set(entry, { kind: 'sending', bytesPerS: null });
    this._take(item);
    this._look(0);
  }

  private _set(entry: IEntry, sending: Sending): void {
    entry.sending = sending;
    this._changed();
  }

  private _take(item: UploadItem): void {
    this._items.set(item.id, item);
    this._changed();
  }

  /** Ask the server soon, and again as long as there is something to follow. */
  private _look(inMs: number): void {
    window.clearTimeout(this._timer);
    if (!this._isDisposed) {
      this._timer = window.setTimeout(() => void this._read(), inMs);
    }
  }

  private async _read(): Promise<void> {
    try {
      const { uploads } = await this._api.uploads.listUploads();
      const ended = uploads.filter(
        item =>
          item.state === 'done' && this._items.get(item.id)?.state !== 'done'
      );
      this._items = new Map(uploads.map(item => [item.id, item]));
      this._entries = this._entries.filter(
        e => !(e.arrived && e.id && !this._items.has(e.id)) // taken out elsewhere
      );
      this._changed();
      if (ended.length > 0) {
        this._onDone();
      }
      await this._answerLikeTheOthers();
    } catch {
      // the list of projects says when the server is away
    }
    const busy = [...this._items.values()].some(item => isBusy(item));
    if (busy || this._isSending || this._isWatched()) {
      this._look(busy ? BUSY_MS : IDLE_MS);
    }
  }

  /** Answer for files of a drop what was answered for all of it. */
  private async _answerLikeTheOthers(): Promise<void> {
    for (const entry of this._entries) {
      const item = entry.id ? this._items.get(entry.id) : undefined;
      const answers = entry.batch.answers;
      if (item?.state === 'asks' && answers !== null) {
        const fits = item.questions.every(question =>
          question.options.some(o => o.value === answers[question.key])
        );
        if (fits) {
          this._take(
            await this._api.uploads.answerUpload(item.id, { answers })
          );
        }
      }
    }
  }

  private _rest(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = window.setTimeout(resolve, ms);
      this._wakers.push(() => {
        window.clearTimeout(timer);
        resolve();
      });
    });
  }

  private readonly _wake = (): void => {
    this._wakers.splice(0).forEach(wake => wake());
  };

  /** Leaving the page stops what is being sent: say so before. */
  private readonly _warn = (event: BeforeUnloadEvent): void => {
    const kinds = ['queued', 'sending', 'reconnecting'];
    if (this._entries.some(e => !e.arrived && kinds.includes(e.sending.kind))) {
      event.preventDefault();
    }
  };

  private _changed(): void {
    if (!this._isDisposed) {
      this._stateChanged.emit();
    }
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private _entries: IEntry[] = [];
  private _items = new Map<string, UploadItem>();
  private readonly _wakers: (() => void)[] = [];
  private _isSending = false;
  private _isDisposed = false;
  private _timer = 0;
  private _count = 0;
}

/** Whether the server's upload is that of a file of this window, which may not know it yet. */
function isSame(entry: IEntry, item: UploadItem): boolean {
  const { file, path } = entry.dropped;
  return (
    entry.id === item.id ||
    (file.name === item.name &&
      path === item.relative_path &&
      file.size === item.bytes &&
      file.lastModified === item.last_modified)
  );
}

/** The file can no longer be read: it was moved, changed or taken out. */
class UnreadableFileError extends Error {
  readonly hint = 'Drop it again.';
}

async function bytesOf(
  file: File,
  start: number,
  end: number
): Promise<ArrayBuffer> {
  try {
    return await file.slice(start, end).arrayBuffer();
  } catch {
    throw new UnreadableFileError(
      `${file.name} can no longer be read: it was moved or changed.`
    );
  }
}

/** Whether the same request may succeed a little later. */
function isPassing(error: RefusedError): boolean {
  return [409, 423, 500, 502, 503, 504].includes(error.status);
}

function isBusy(item: UploadItem): boolean {
  return ['checking', 'waiting', 'importing', 'cancelling'].includes(
    item.state
  );
}

/** How many bytes a second have gone lately. */
class Rate {
  constructor(private readonly _overMs: number) {}

  add(total: number): void {
    const now = performance.now();
    const recent = this._seen.filter(([when]) => when > now - this._overMs);
    this._seen = [...recent, [now, total]];
  }

  get bytesPerS(): number | null {
    const first = this._seen.at(0);
    const last = this._seen.at(-1);
    if (first === undefined || last === undefined || last[0] <= first[0]) {
      return null;
    }
    return (1000 * (last[1] - first[1])) / (last[0] - first[0]);
  }

  private _seen: (readonly [number, number])[] = [];
}
