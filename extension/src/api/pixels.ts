/** Pixels of an image, and what is drawn over them. */

import { URLExt } from '@jupyterlab/coreutils';

import { Pieces } from '../pieces';
import type {
  ChannelWindows,
  MaskQuery,
  TilesQuery,
  WindowsQuery
} from '../wire';
import { pathOf } from './paths';
import { notUnderstood, type Requests } from './requests';

export class PixelsApi {
  constructor(private readonly _requests: Requests) {}

  /** Pixels of an image as JPEGs, each told as soon as it has come; without bytes if it cannot be read. */
  async readTiles(
    projectId: string,
    imageId: string,
    query: TilesQuery,
    take: (jpeg: Uint8Array<ArrayBuffer>) => void,
    signal: AbortSignal
  ): Promise<void> {
    const url =
      this._requests.url(
        'projects',
        projectId,
        'images',
        imageId,
        'tiles',
        'stream'
      ) + URLExt.objectToQueryString(saidOf(query));
    const response = await this._requests.read(url, { method: 'GET', signal });
    if (response.body === null) {
      throw notUnderstood(response);
    }
    const pieces = new Pieces();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      pieces.take(value).forEach(take);
    }
  }

  /** Class ids of a tile of an image, as a grey picture. */
  async readMask(
    projectId: string,
    imageId: string,
    query: MaskQuery,
    signal: AbortSignal
  ): Promise<Blob> {
    const url =
      this._requests.url('projects', projectId, 'images', imageId, 'mask') +
      URLExt.objectToQueryString({ ...query });
    const init: RequestInit = { method: 'GET', cache: 'default', signal };
    return (await this._requests.read(url, init)).blob();
  }

  /** Which values of an image are seen. */
  readWindows(
    projectId: string,
    imageId: string,
    query: WindowsQuery
  ): Promise<ChannelWindows> {
    return this._requests.get(
      pathOf('projects', projectId, 'images', imageId, 'windows') +
        URLExt.objectToQueryString({ ...query })
    );
  }
}

/** The arguments that have a value; others would be sent as the word "undefined" or "null". */
function saidOf(query: TilesQuery): Partial<TilesQuery> {
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value != null)
  );
}
