/** Takes a stream apart that consists of pieces, each after its length in 4 bytes, the high one first. */

const HEAD_BYTES = 4;

/** Collects bytes as they come, and gives each piece once it is whole. */
export class Pieces {
  /** Take what has come; returns the pieces that are whole with it. */
  take(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    this._parts.push(bytes);
    this._size += bytes.length;
    const whole: Uint8Array<ArrayBuffer>[] = [];
    while (this._size >= this._needed) {
      const piece = this._cut(this._needed);
      if (this._isHead) {
        this._needed = new DataView(piece.buffer).getUint32(0);
      } else {
        whole.push(piece);
        this._needed = HEAD_BYTES;
      }
      this._isHead = !this._isHead;
    }
    return whole;
  }

  /** The next bytes, in one piece and with a buffer of their own. */
  private _cut(size: number): Uint8Array<ArrayBuffer> {
    const piece = new Uint8Array(size);
    for (let filled = 0; filled < size;) {
      const [part = new Uint8Array()] = this._parts;
      const taken = part.subarray(0, size - filled);
      piece.set(taken, filled);
      filled += taken.length;
      if (taken.length === part.length) {
        this._parts.shift();
      } else {
        this._parts[0] = part.subarray(taken.length);
      }
    }
    this._size -= size;
    return piece;
  }

  private readonly _parts: Uint8Array<ArrayBuffer>[] = [];
  private _size = 0;
  private _needed = HEAD_BYTES;
  private _isHead = true;
}
