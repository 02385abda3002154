/** Asks the server for pixels of one image, as they are to be seen. */

import type { LabKitApi } from '../api';
import type { ChannelWindow } from '../wire';
import type { Easel } from './easel';
import { colourMask } from './mask';
import type { ITileSource } from './stage';
import { eachTile, type ReadTiles, tileReader } from './tilereading';
import type { IBox } from './viewport';

export class TileSource implements ITileSource {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _projectId: string,
    private readonly _imageId: string,
    private readonly _author: string,
    private readonly _easel: Easel,
    private readonly _onFailure: () => void
  ) {}

  /** Reads tiles of the plane, and in the windows, that are set now. */
  picture(): ReadTiles {
    const look = withoutNulls(this._easel.sight.tileQuery);
    return this._watched(tileReader(this._api, ...this._image, look));
  }

  /** Reads the mask of the document as it is now. */
  mask(): ReadTiles {
    const { classes, session } = this._easel;
    const asked = { author: this._author, revision: session.list.revision };
    const read = eachTile(async (key, signal) => {
      const query = { ...key, ...asked };
      const blob = await this._api.pixels.readMask(
        ...this._image,
        query,
        signal
      );
      return colourMask(blob, classes);
    });
    return this._watched(read);
  }

  /** Windows of what is seen, one for each channel. */
  async readWindows(seen: IBox): Promise<ReadonlyArray<ChannelWindow>> {
    const { z, t } = this._easel.sight.tileQuery;
    const query = {
      y0: Math.floor(seen.y0),
      x0: Math.floor(seen.x0),
      y1: Math.ceil(seen.y1),
      x1: Math.ceil(seen.x1),
      ...withoutNulls({ z, t })
    };
    return (await this._api.pixels.readWindows(...this._image, query)).windows;
  }

  /** Tell when pixels do not come. */
  private _watched(read: ReadTiles): ReadTiles {
    return async order => {
      try {
        await read(order);
      } catch (error) {
        if (!order.signal.aborted) {
          this._onFailure();
        }
        throw error;
      }
    };
  }

  private get _image(): [projectId: string, imageId: string] {
    return [this._projectId, this._imageId];
  }
}

/** What is said in an address; null is left out. */
function withoutNulls<T extends object>(query: T): Partial<T> {
  const entries = Object.entries(query).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as Partial<T>;
}
