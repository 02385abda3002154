/** Files on their way into a project. */

import { URLExt } from '@jupyterlab/coreutils';

import type {
  NewUpload,
  PieceQuery,
  UploadAnswers,
  UploadItem,
  UploadList
} from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

export class UploadsApi {
  constructor(private readonly _requests: Requests) {}

  /** Every file on its way; nobody asked, so the server may idle. */
  listUploads(): Promise<UploadList> {
    return this._requests.get('uploads?no_track_activity=1');
  }

  /** Begin to send a file, or find where to go on. */
  beginUpload(asked: NewUpload): Promise<UploadItem> {
    return this._requests.post('uploads', asked);
  }

  /** Send the bytes that follow the first `offset`. */
  sendPiece(
    id: string,
    offset: number,
    piece: ArrayBuffer
  ): Promise<UploadItem> {
    const query: PieceQuery = { offset };
    return this._requests.put(
      pathOf('uploads', id) + URLExt.objectToQueryString({ ...query }),
      piece
    );
  }

  answerUpload(id: string, asked: UploadAnswers): Promise<UploadItem> {
    return this._requests.post(pathOf('uploads', id, 'answers'), asked);
  }

  /** Cancel a file on its way, or take one that ended out of the list. */
  removeUpload(id: string): Promise<UploadItem> {
    return this._requests.delete(pathOf('uploads', id));
  }
}
