/** Annotations of an image: who is at work on them, and their review. */

import { URLExt } from '@jupyterlab/coreutils';

import type { NewComment, NewState, NextImage, ReviewItem } from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

/** Whose annotations of which image. */
export interface IDocumentName {
  readonly projectId: string;
  readonly imageId: string;
  readonly author: string;
}

export class DocumentsApi {
  constructor(private readonly _requests: Requests) {}

  /** Claim the next image that nobody is at work on. */
  claimNext(projectId: string): Promise<NextImage> {
    return this._requests.post(pathOf('projects', projectId, 'next'), {});
  }

  /** The review of an author's document; nobody asked, so the server may idle. */
  readReview(document: IDocumentName): Promise<ReviewItem> {
    const query = { author: document.author, no_track_activity: 1 };
    return this._requests.get(
      ofImage(document, 'review') + URLExt.objectToQueryString(query)
    );
  }

  changeState(
    document: IDocumentName,
    state: NewState['state']
  ): Promise<ReviewItem> {
    const asked: NewState = { author: document.author, state };
    return this._requests.post(ofImage(document, 'review', 'state'), asked);
  }

  addComment(
    document: IDocumentName,
    comment: Omit<NewComment, 'author'>
  ): Promise<ReviewItem> {
    const asked: NewComment = { ...comment, author: document.author };
    return this._requests.post(ofImage(document, 'review', 'comments'), asked);
  }

  resolveComment(document: IDocumentName, id: string): Promise<ReviewItem> {
    const query = URLExt.objectToQueryString({ author: document.author });
    return this._requests.post(
      ofImage(document, 'review', 'comments', id, 'resolved') + query,
      {}
    );
  }

  /** Keep others from an image for a while, unless somebody else has it. */
  claim(document: IDocumentName): Promise<ReviewItem> {
    return this._requests.post(ofImage(document, 'claim'), {});
  }

  /** Give an image back; goes out even if the page goes. */
  release(document: IDocumentName): Promise<ReviewItem> {
    return this._requests.ask(ofImage(document, 'claim'), {
      method: 'DELETE',
      keepalive: true
    });
  }
}

function ofImage(document: IDocumentName, ...parts: string[]): string {
  const { projectId, imageId } = document;
  return pathOf('projects', projectId, 'images', imageId, ...parts);
}
