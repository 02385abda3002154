/** The objects of the document as they are drawn: heads, outlines and bounding boxes. */

import type {
  IObjectHead,
  IPatchMessage,
  ISceneMessage,
  Place
} from './protocol';
import type { IBox } from './viewport';

/** An object with its rings: pairs (y, x) relative to `origin`, combined even-odd. */
export interface IItem {
  readonly head: IObjectHead;
  readonly origin: Place;
  readonly rings: ReadonlyArray<Float32Array>;
  readonly box: IBox;
}

/** Heads and binary rings, put together to items in the order of drawing. */
export function unpackItems(
  heads: ReadonlyArray<IObjectHead>,
  origin: Place,
  buffers: ReadonlyArray<DataView>
): IItem[] {
  const [starts, owners, vertices] = buffers.map(copyOf);
  if (starts === undefined || owners === undefined || vertices === undefined) {
    throw new Error('An outline came without its three buffers.');
  }
  const ringStart = new Uint32Array(starts);
  const ringObject = new Uint32Array(owners);
  const places = new Float32Array(vertices);
  const rings: Float32Array[][] = heads.map(() => []);
  ringObject.forEach((owner, k) => {
    const [from = 0, to = 0] = [ringStart[k], ringStart[k + 1]];
    rings[owner]?.push(places.subarray(2 * from, 2 * to));
  });
  return heads.map((head, k) => {
    const own = rings[k] ?? [];
    return { head, origin, rings: own, box: boxOf(own, origin) };
  });
}

/** Items by place and by id; changed only as a whole or by patches. */
export class DisplayList {
  get items(): ReadonlyArray<IItem> {
    return this._items;
  }

  get revision(): number {
    return this._revision;
  }

  get(id: string): IItem | undefined {
    return this._byId.get(id);
  }

  /** Take the whole document. */
  replace(scene: ISceneMessage, buffers: ReadonlyArray<DataView>): void {
    this._items = unpackItems(scene.objects, scene.origin, buffers);
    this._revision = scene.revision;
    this._index();
  }

  /**
   * Take what changed.
   *
   * @returns False if the patch does not follow what is here; nothing is
   * changed then.
   */
  patch(patch: IPatchMessage, buffers: ReadonlyArray<DataView>): boolean {
    if (patch.from_revision !== this._revision) {
      return false;
    }
    const fresh = unpackItems(patch.objects, patch.origin, buffers);
    const gone = new Set([
      ...patch.removed,
      ...patch.objects.map(head => head.id)
    ]);
    const items = this._items.filter(item => !gone.has(item.head.id));
    const placed = patch.objects.map(
      (head, k) => [head.place, fresh[k]] as const
    );
    for (const [place, item] of placed.sort((a, b) => a[0] - b[0])) {
      if (item !== undefined) {
        items.splice(place, 0, item);
      }
    }
    this._items = items;
    this._revision = patch.revision;
    this._index();
    return true;
  }

  /**
   * The topmost object at a place; annotated areas below all others, rejected ones not at all.
   *
   * @param counts - Whether an object may be found.
   */
  at(
    [y, x]: Place,
    reach: number,
    counts: (head: IObjectHead) => boolean = () => true
  ): IItem | undefined {
    let area: IItem | undefined;
    for (let k = this._items.length - 1; k >= 0; k--) {
      const item = this._items[k];
      if (item && holds(item, y, x, reach) && counts(item.head)) {
        if (item.head.kind !== 'area') {
          return item;
        }
        area ??= item;
      }
    }
    return area;
  }

  private _index(): void {
    this._byId = new Map(this._items.map(item => [item.head.id, item]));
  }

  private _items: IItem[] = [];
  private _byId = new Map<string, IItem>();
  private _revision = -1;
}

function holds(item: IItem, y: number, x: number, reach: number): boolean {
  const { box, head } = item;
  const more = head.kind === 'point' ? Math.max(reach, 0.5) : 0;
  if (
    head.status === 'rejected' ||
    y < box.y0 - more ||
    y > box.y1 + more ||
    x < box.x0 - more ||
    x > box.x1 + more
  ) {
    return false;
  }
  if (head.kind === 'point') {
    return Math.hypot(y - box.y0, x - box.x0) <= more;
  }
  const [dy, dx] = [y - item.origin[0], x - item.origin[1]];
  const crossings = item.rings.reduce(
    (sum, ring) => sum + crossingsRightOf(ring, dy, dx),
    0
  );
  return crossings % 2 === 1;
}

function crossingsRightOf(ring: Float32Array, y: number, x: number): number {
  let count = 0;
  let [y0 = 0, x0 = 0] = ring.subarray(ring.length - 2);
  for (let k = 0; k < ring.length; k += 2) {
    const [y1 = 0, x1 = 0] = [ring[k], ring[k + 1]];
    if (y0 <= y !== y1 <= y && x0 + ((y - y0) * (x1 - x0)) / (y1 - y0) > x) {
      count++;
    }
    [y0, x0] = [y1, x1];
  }
  return count;
}

function boxOf(rings: ReadonlyArray<Float32Array>, origin: Place): IBox {
  let [y0, x0, y1, x1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (let k = 0; k < ring.length; k += 2) {
      const [y = 0, x = 0] = [ring[k], ring[k + 1]];
      y0 = Math.min(y0, y);
      x0 = Math.min(x0, x);
      y1 = Math.max(y1, y);
      x1 = Math.max(x1, x);
    }
  }
  const [oy, ox] = origin;
  return { y0: y0 + oy, x0: x0 + ox, y1: y1 + oy, x1: x1 + ox };
}

/** The bytes of a view for themselves, so that they can be read as numbers whatever their place was. */
function copyOf(view: DataView): ArrayBuffer {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return bytes.slice().buffer;
}
