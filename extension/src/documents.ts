/** What parts of one page tell each other of documents: that one has changed from outside, and which place of it somebody wants to see. */

import { type ISignal, Signal } from '@lumino/signaling';

import type { IDocumentName } from './api';

/** An object, or a place in pixels of the picture. */
export interface ITarget {
  readonly objectId?: string;
  readonly place?: readonly [y: number, x: number];
}

/** What was changed; a document of null is any. */
export interface IChange {
  readonly document: IDocumentName | null;
  readonly what: 'objects' | 'review';
}

/** Joins panel, tables and annotators, which otherwise know nothing of each other. */
class DocumentBoard {
  /** Objects or the review of a document were changed by something else than its annotator. */
  get changed(): ISignal<this, IChange> {
    return this._changed;
  }

  /** Somebody wants to see a place. */
  get pointed(): ISignal<this, string> {
    return this._pointed;
  }

  noteChange(change: IChange): void {
    this._changed.emit(change);
  }

  /** Ask for a place; an annotator that is not there yet finds it when it opens. */
  pointTo(document: IDocumentName, target: ITarget): void {
    this._targets.set(keyOf(document), target);
    this._pointed.emit(keyOf(document));
  }

  /** Take what was asked for of a document, once. */
  takeTarget(document: IDocumentName): ITarget | null {
    const key = keyOf(document);
    const target = this._targets.get(key) ?? null;
    this._targets.delete(key);
    return target;
  }

  private readonly _changed = new Signal<this, IChange>(this);
  private readonly _pointed = new Signal<this, string>(this);
  private readonly _targets = new Map<string, ITarget>();
}

export function keyOf(document: IDocumentName): string {
  return JSON.stringify([
    document.projectId,
    document.imageId,
    document.author
  ]);
}

export const documentBoard = new DocumentBoard();
