/** The review of the open document, as the server has it: read again and again while it is seen, whether the kernel is busy or not. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IDocumentName, LabKitApi } from '../api';
import { documentBoard, type IChange, keyOf } from '../documents';
import { errorWords, type State } from '../quality/words';
import type { CommentItem, NewComment, ReviewItem } from '../wire';
import type { TranslationBundle } from '@jupyterlab/translation';

const POLL_MS = 10_000;
const RENEW_MS = 5 * 60_000; // a claim holds half an hour

export class ReviewModel implements IDisposable {
  /**
   * @param isSeen - Whether somebody can see the annotator.
   */
  constructor(
    private readonly _api: LabKitApi,
    readonly document: IDocumentName,
    private readonly _isSeen: () => boolean,
    private readonly _trans: TranslationBundle
  ) {
    this._timer = setInterval(() => this._readIfSeen(), POLL_MS);
    window.addEventListener('focus', this._onFocus);
    documentBoard.changed.connect(this._onChange, this);
    void this.read();
  }

  get review(): ReviewItem | null {
    return this._review;
  }

  /** What the server has against it, in words; gone with the next success. */
  get trouble(): readonly [message: string, hint: string] | null {
    return this._trouble;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Comments that nobody has resolved, with the numbers that their pins carry. */
  get numbered(): ReadonlyArray<readonly [number: number, CommentItem]> {
    return (this._review?.comments ?? []).map(
      (comment, k) => [k + 1, comment] as const
    );
  }

  /** The comment whose place is shown. */
  get chosen(): string | null {
    return this._chosen;
  }

  set chosen(id: string | null) {
    this._chosen = id;
    this._changed.emit();
  }

  get isOwn(): boolean {
    return this._review !== null && this._review.me === this._review.author;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The annotator goes: so does the claim. */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearInterval(this._timer);
    window.removeEventListener('focus', this._onFocus);
    this.release();
    Signal.clearData(this);
  }

  async read(): Promise<void> {
    await this._take(
      () => this._api.documents.readReview(this.document),
      false
    );
  }

  async changeState(state: State): Promise<void> {
    await this._take(
      () => this._api.documents.changeState(this.document, state),
      true
    );
    if (this._review?.state === 'in-review') {
      this.release();
    }
  }

  /** Returns whether it is there now. */
  async addComment(comment: Omit<NewComment, 'author'>): Promise<boolean> {
    return this._take(
      () => this._api.documents.addComment(this.document, comment),
      true
    );
  }

  async resolve(id: string): Promise<void> {
    await this._take(
      () => this._api.documents.resolveComment(this.document, id),
      true
    );
  }

  /** Somebody draws: others are told, for a while. */
  noteWork(): void {
    const now = Date.now();
    if (this.isOwn && now - this._claimed > RENEW_MS) {
      this._claimed = now;
      this._inTurn(() => this._api.documents.claim(this.document));
    }
  }

  /** Nobody draws here any more. */
  release(): void {
    const { claim, me } = this._review ?? {};
    const isHeld = this._claimed > 0 || (claim && claim.author === me);
    this._claimed = 0;
    if (this.isOwn && isHeld) {
      this._inTurn(() => this._api.documents.release(this.document));
    }
  }

  /** A claim and its end must not overtake each other. */
  private _inTurn(ask: () => Promise<ReviewItem>): void {
    this._claims = this._claims.then(async () => {
      await this._take(ask, true);
    });
  }

  private readonly _onFocus = (): void => this._readIfSeen();

  private _onChange(_: unknown, { document }: IChange): void {
    const isOurs =
      document === null || keyOf(document) === keyOf(this.document);
    if (isOurs && !this._isTelling) {
      void this.read();
    }
  }

  private _readIfSeen(): void {
    if (this._isSeen() && document.visibilityState === 'visible') {
      void this.read();
    }
  }

  /** Ask, and show what the answer says; an answer that was overtaken says nothing. */
  private async _take(
    ask: () => Promise<ReviewItem>,
    isChange: boolean
  ): Promise<boolean> {
    const turn = ++this._turn;
    try {
      const review = await ask();
      if (turn === this._turn) {
        this._review = review;
        this._trouble = null;
      }
      if (isChange) {
        this._tellOthers();
      }
      return true;
    } catch (error) {
      this._trouble = errorWords(error, this._trans);
      return false;
    } finally {
      if (!this._isDisposed) {
        this._changed.emit();
      }
    }
  }

  private _tellOthers(): void {
    this._isTelling = true;
    documentBoard.noteChange({ document: this.document, what: 'review' });
    this._isTelling = false;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _timer: ReturnType<typeof setInterval>;
  private _review: ReviewItem | null = null;
  private _trouble: readonly [string, string] | null = null;
  private _chosen: string | null = null;
  private _turn = 0;
  private _claimed = 0;
  private _claims = Promise.resolve();
  private _isTelling = false;
  private _isDisposed = false;
}
