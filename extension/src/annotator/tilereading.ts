/** Tiles from the server: asked for together, decoded as they come. */

import type { LabKitApi } from '../api';
import type { TilesQuery } from '../wire';

export interface ITileKey {
  readonly level: number;
  readonly row: number;
  readonly column: number;
}

/** A tile has come; null if it cannot be read. */
export type TakeTile = (key: ITileKey, tile: ImageBitmap | null) => void;

/** What is asked for in one go. */
export interface ITileOrder {
  /** In the order in which they are to come. */
  readonly keys: ReadonlyArray<ITileKey>;
  /** Nobody looks at them yet: others go first. */
  readonly isAhead: boolean;
  readonly take: TakeTile;
  readonly signal: AbortSignal;
}

/** Read tiles; resolves when all have been taken, rejects if some will not come. */
export type ReadTiles = (order: ITileOrder) => Promise<void>;

/** How the pixels are shown, and of which plane they are. */
export type TileLook = Pick<TilesQuery, 'view' | 'z' | 't'>;

/** What reads the tiles of one image. */
export function tileReader(
  api: LabKitApi,
  projectId: string,
  imageId: string,
  look: TileLook = {}
): ReadTiles {
  return async ({ keys, isAhead, take, signal }) => {
    const tiles = keys.map(nameOf).join(',');
    const query: TilesQuery = { ...look, tiles, ahead: isAhead };
    const decoding: Promise<void>[] = [];
    const rest = [...keys];
    const takeJpeg = (jpeg: Uint8Array<ArrayBuffer>): void => {
      const key = rest.shift();
      if (key !== undefined) {
        decoding.push(decoded(jpeg).then(tile => take(key, tile)));
      }
    };
    await api.pixels.readTiles(projectId, imageId, query, takeJpeg, signal);
    await Promise.all(decoding);
    if (rest.length > 0) {
      throw new Error(`${rest.length} of ${keys.length} tiles did not come.`);
    }
  };
}

/** What reads tiles one by one. */
export function eachTile(
  read: (key: ITileKey, signal: AbortSignal) => Promise<ImageBitmap>
): ReadTiles {
  return async ({ keys, take, signal }) => {
    const readOne = async (key: ITileKey): Promise<void> =>
      take(key, await read(key, signal));
    await Promise.all(keys.map(readOne));
  };
}

export function nameOf({ level, row, column }: ITileKey): string {
  return `${level}/${row}/${column}`;
}

async function decoded(
  jpeg: Uint8Array<ArrayBuffer>
): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
  } catch {
    return null; // no bytes at all, or none that are a picture
  }
}
