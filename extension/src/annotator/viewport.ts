/** Which part of the picture is seen: pure arithmetic in pixels of the picture and of the canvas. */

import type { Place } from './protocol';

const MOST_ZOOM = 64;
const LEAST_PX = 32; // of the picture's longer side on the canvas

export interface ISize {
  readonly height: number;
  readonly width: number;
}

export interface IBox {
  readonly y0: number;
  readonly x0: number;
  readonly y1: number;
  readonly x1: number;
}

/** An unchanging view: each move makes a new one. `zoom` is canvas pixels for each pixel of the picture. */
export class Viewport {
  readonly zoom: number;
  readonly centre: Place;

  constructor(
    readonly picture: ISize,
    readonly canvas: ISize,
    centre: Place,
    zoom: number
  ) {
    const longer = Math.max(picture.height, picture.width);
    this.zoom = clamp(zoom, Math.min(1, LEAST_PX / longer), MOST_ZOOM);
    this.centre = [
      clamp(centre[0], 0, picture.height),
      clamp(centre[1], 0, picture.width)
    ];
  }

  /** The whole picture in the middle of the canvas. */
  static fit(picture: ISize, canvas: ISize): Viewport {
    const zoom = Math.min(
      canvas.height / picture.height,
      canvas.width / picture.width
    );
    const centre: Place = [picture.height / 2, picture.width / 2];
    return new Viewport(picture, canvas, centre, zoom * 0.96);
  }

  /** The same middle on a canvas of another size. */
  resized(canvas: ISize): Viewport {
    return new Viewport(this.picture, canvas, this.centre, this.zoom);
  }

  /** Moved so that what was at the canvas' origin is now at (dy, dx). */
  panned(dy: number, dx: number): Viewport {
    const [y, x] = this.centre;
    const centre: Place = [y - dy / this.zoom, x - dx / this.zoom];
    return new Viewport(this.picture, this.canvas, centre, this.zoom);
  }

  /** With another place in the middle. */
  centred(centre: Place): Viewport {
    return new Viewport(this.picture, this.canvas, centre, this.zoom);
  }

  /** Larger or smaller; the place under `at` (canvas pixels) stays where it is. */
  zoomed(factor: number, at?: Place): Viewport {
    const { canvas, picture } = this;
    const [sy, sx] = at ?? [canvas.height / 2, canvas.width / 2];
    const [y, x] = this.toPicture([sy, sx]);
    const { zoom } = new Viewport(
      picture,
      canvas,
      this.centre,
      this.zoom * factor
    );
    const centre: Place = [
      y + (canvas.height / 2 - sy) / zoom,
      x + (canvas.width / 2 - sx) / zoom
    ];
    return new Viewport(picture, canvas, centre, zoom);
  }

  /** With `box` in sight: as it is if it is in sight already, else centred. */
  showing(box: IBox): Viewport {
    const seen = this.seen;
    if (
      box.y0 >= seen.y0 &&
      box.x0 >= seen.x0 &&
      box.y1 <= seen.y1 &&
      box.x1 <= seen.x1
    ) {
      return this;
    }
    const room = Math.min(
      (seen.y1 - seen.y0) / (box.y1 - box.y0 || 1),
      (seen.x1 - seen.x0) / (box.x1 - box.x0 || 1)
    );
    const centre: Place = [(box.y0 + box.y1) / 2, (box.x0 + box.x1) / 2];
    const zoom = this.zoom * Math.min(1, room * 0.8);
    return new Viewport(this.picture, this.canvas, centre, zoom);
  }

  toPicture([sy, sx]: Place): Place {
    const { canvas, centre, zoom } = this;
    return [
      centre[0] + (sy - canvas.height / 2) / zoom,
      centre[1] + (sx - canvas.width / 2) / zoom
    ];
  }

  /** Canvas pixels of the picture's upper left corner. */
  get offset(): Place {
    const { canvas, centre, zoom } = this;
    return [
      canvas.height / 2 - centre[0] * zoom,
      canvas.width / 2 - centre[1] * zoom
    ];
  }

  toCanvas([y, x]: Place): Place {
    const [oy, ox] = this.offset;
    return [oy + y * this.zoom, ox + x * this.zoom];
  }

  /** What the canvas shows, in pixels of the picture; may reach beyond it. */
  get seen(): IBox {
    const [y0, x0] = this.toPicture([0, 0]);
    const [y1, x1] = this.toPicture([this.canvas.height, this.canvas.width]);
    return { y0, x0, y1, x1 };
  }

  /** The level whose pixels come nearest in size to those of the canvas. */
  level(levels: number): number {
    return clamp(Math.round(-Math.log2(this.zoom)), 0, levels - 1);
  }
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** Whether two boxes have a place in common. */
export function meet(a: IBox, b: IBox): boolean {
  return a.y0 <= b.y1 && b.y0 <= a.y1 && a.x0 <= b.x1 && b.x0 <= a.x1;
}
