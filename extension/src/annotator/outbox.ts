/** Gestures and commands that the kernel has not acknowledged: kept through a reload, sent again in order. */

import type { Deed } from './protocol';

const DATABASE = 'labkit-annotator';
const STORE = 'outbox';

/** A deed with the name of the page it was done in, and its number there. */
export interface IEntry {
  /** Which document it is for. */
  readonly scope: string;
  readonly client: string;
  readonly number: number;
  readonly deed: Deed;
  readonly bytes: ArrayBuffer | null;
}

/** The entries of one document, in this page and in the browser's database. */
export class Outbox {
  constructor(private readonly _scope: string) {}

  /** What is not acknowledged, in the order in which it was done. */
  get entries(): IEntry[] {
    return [...this._entries.values()];
  }

  /** Whether an answer to this client and number is for us. */
  has(client: string, number: number): boolean {
    return this._entries.has(keyOf(client, number));
  }

  /** Take over what an earlier page left; without a database nothing is. */
  async load(): Promise<void> {
    try {
      this._database = await openDatabase();
    } catch (error) {
      console.warn('Unsaved gestures will not outlive this page.', error);
      return;
    }
    const store = this._database.transaction(STORE).objectStore(STORE);
    const found = await answered<IEntry[]>(store.getAll());
    const own = found.filter(entry => entry.scope === this._scope);
    const fresh = this.entries;
    this._entries.clear();
    for (const entry of [...own, ...fresh]) {
      this._entries.set(keyOf(entry.client, entry.number), entry);
    }
    fresh.forEach(entry => this._write(store => store.put(entry)));
  }

  add(client: string, number: number, deed: Deed, bytes: ArrayBuffer | null) {
    const scope = this._scope;
    const entry: IEntry = { scope, client, number, deed, bytes };
    this._entries.set(keyOf(client, number), entry);
    this._write(store => store.put(entry));
    return entry;
  }

  remove(client: string, number: number): void {
    this._entries.delete(keyOf(client, number));
    this._write(store => store.delete([client, number]));
  }

  dispose(): void {
    this._database?.close();
    this._database = null;
  }

  private _write(action: (store: IDBObjectStore) => void): void {
    if (this._database !== null) {
      const transaction = this._database.transaction(STORE, 'readwrite');
      action(transaction.objectStore(STORE));
    }
  }

  private readonly _entries = new Map<string, IEntry>();
  private _database: IDBDatabase | null = null;
}

/** The documents of which annotators of this browser, in any tab, hold what no kernel has acknowledged. */
export async function unsavedScopes(): Promise<string[]> {
  let database: IDBDatabase;
  try {
    database = await openDatabase();
  } catch {
    return []; // a browser that keeps nothing: what is unsaved is seen in the annotator alone
  }
  try {
    const store = database.transaction(STORE).objectStore(STORE);
    const found = await answered<IEntry[]>(store.getAll());
    return [...new Set(found.map(({ scope }) => scope))].sort();
  } finally {
    database.close();
  }
}

function keyOf(client: string, number: number): string {
  return `${client} ${number}`;
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE, {
      keyPath: ['client', 'number']
    });
  };
  return answered(request);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
