/** Shows other windows at once, on the tiles that are here, until those with the right ones have come. */

import type { IPicture } from './protocol';

interface ITileKey {
  readonly view: string | null;
  readonly z: number | null;
  readonly t: number | null;
}

type Window = readonly [place: string, start: number, end: number];

/**
 * The canvas filter that turns tiles of one key into those of another; "none" where no filter can: another plane, other colours, or
 * channels that change differently. It is exact for grey and for red, green and blue, up to values that the old tiles have lost.
 */
export function filterBetween(
  from: string,
  to: string,
  picture: IPicture
): string {
  const [old, next] = [parse(from), parse(to)];
  if (from === to || old.z !== next.z || old.t !== next.t) {
    return 'none';
  }
  const [before, after] = [windowsOf(old, picture), windowsOf(next, picture)];
  const places = ([place]: Window): string => place;
  const colours = before.map(places).join();
  const isPlain =
    /^\d+ FFFFFF$/.test(colours) || colours === '0 FF0000,1 00FF00,2 0000FF';
  if (!isPlain || colours !== after.map(places).join()) {
    return 'none';
  }
  const filters = new Set(
    before.map((window, k) => filterOf(window, after[k] ?? window))
  );
  const [filter] = filters;
  return filters.size === 1 && filter !== undefined ? filter : 'none';
}

function parse(key: string): ITileKey {
  return JSON.parse(key) as ITileKey;
}

function windowsOf({ view }: ITileKey, picture: IPicture): Window[] {
  if (view === null) {
    return picture.channels.map(({ channel, colour, start, end }) => [
      `${channel} ${colour.toUpperCase()}`,
      start,
      end
    ]);
  }
  return view.split(',').map(text => {
    const [channel, start, end, colour] = text.split(':');
    return [`${channel} ${colour}`, Number(start), Number(end)];
  });
}

/**
 * A brightness is new = factor * old + shift, in parts of white. CSS knows a factor, and a contrast about the middle grey; both together
 * make any line. Which comes first decides what is cut off in between: nothing that would be seen.
 */
function filterOf([, start0, end0]: Window, [, start1, end1]: Window): string {
  const factor = (end0 - start0) / (end1 - start1);
  const shift = (start0 - start1) / (end1 - start1);
  if (shift <= 0) {
    const contrast = 1 - 2 * shift;
    return `brightness(${factor / contrast}) contrast(${contrast})`;
  }
  const brightness = 2 * shift + factor;
  return `contrast(${factor / brightness}) brightness(${brightness})`;
}
