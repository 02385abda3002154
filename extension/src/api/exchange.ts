/** Annotations to files and from files. */

import { URLExt } from '@jupyterlab/coreutils';

import type {
  ExportAsk,
  ImportAsk,
  IncomingItem,
  JobItem,
  LookAsk,
  NewIncoming,
  PieceQuery
} from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

export class ExchangeApi {
  constructor(private readonly _requests: Requests) {}

  /** Write annotations to a file, which `jobFileUrl` then names. */
  exportAnnotations(projectId: string, asked: ExportAsk): Promise<JobItem> {
    return this._requests.post(pathOf('projects', projectId, 'exports'), asked);
  }

  /** Find out what files are that were sent. */
  lookAt(projectId: string, asked: LookAsk): Promise<JobItem> {
    return this._requests.post(pathOf('projects', projectId, 'looks'), asked);
  }

  /** Take files that were sent into documents. */
  importAnnotations(projectId: string, asked: ImportAsk): Promise<JobItem> {
    return this._requests.post(
      pathOf('projects', projectId, 'annotation-imports'),
      asked
    );
  }

  /** Begin to send files of annotations. */
  beginIncoming(asked: NewIncoming): Promise<IncomingItem> {
    return this._requests.post('incoming', asked);
  }

  sendIncoming(
    id: string,
    file: number,
    offset: number,
    piece: ArrayBuffer
  ): Promise<IncomingItem> {
    const query: PieceQuery = { offset };
    return this._requests.put(
      pathOf('incoming', id, String(file)) +
        URLExt.objectToQueryString({ ...query }),
      piece
    );
  }

  endIncoming(id: string): Promise<IncomingItem> {
    return this._requests.delete(pathOf('incoming', id));
  }
}
