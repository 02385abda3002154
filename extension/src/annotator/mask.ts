/** The mask as training sees it: class ids from the server, coloured here, so that they follow the colours of the classes. */

import type { IClass } from './protocol';

const IGNORE = 255;
const OPAQUE = 160; // of 255: the picture shines through
const HATCH_PX = 8;
const GREY = 130;
const DARK_STRIPE = 150;
const LIGHT_STRIPE = 60;

/** Colour a tile of class ids: background is clear, what nobody has looked at is hatched in grey. */
export async function colourMask(
  png: Blob,
  classes: ReadonlyArray<IClass>
): Promise<ImageBitmap> {
  const ids = await createImageBitmap(png, { colorSpaceConversion: 'none' });
  const canvas = new OffscreenCanvas(ids.width, ids.height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) {
    throw new Error('This browser gives no canvas for the mask.');
  }
  context.drawImage(ids, 0, 0);
  ids.close();
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  paint(image.data, canvas.width, coloursOf(classes));
  context.putImageData(image, 0, 0);
  return canvas.transferToImageBitmap();
}

type Colour = readonly [red: number, green: number, blue: number];

function coloursOf(
  classes: ReadonlyArray<IClass>
): ReadonlyMap<number, Colour> {
  return new Map(
    classes.map(({ id, colour }) => {
      const number = Number.parseInt(colour.slice(1), 16);
      return [id, [number >> 16, (number >> 8) & 255, number & 255]];
    })
  );
}

/** Replace grey values, which are ids, by colours. */
function paint(
  data: Uint8ClampedArray,
  width: number,
  colours: ReadonlyMap<number, Colour>
): void {
  for (let k = 0; k < data.length; k += 4) {
    const id = data[k] ?? 0;
    if (id === 0) {
      data[k + 3] = 0;
      continue;
    }
    const [red, green, blue] = colours.get(id) ?? [GREY, GREY, GREY];
    data[k] = red;
    data[k + 1] = green;
    data[k + 2] = blue;
    data[k + 3] = id === IGNORE ? stripeAt(k / 4, width) : OPAQUE;
  }
}

function stripeAt(pixel: number, width: number): number {
  const along = (pixel % width) + Math.floor(pixel / width);
  return along % HATCH_PX < HATCH_PX / 2 ? DARK_STRIPE : LIGHT_STRIPE;
}
