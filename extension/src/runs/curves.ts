/** Curves as they grow, and how they are grouped; knows nothing of React. */

import type { CurveItem } from '../wire';

export type Point = readonly [x: number, y: number];

/** Points of each curve by its name. */
export type Curves = ReadonlyMap<string, ReadonlyArray<Point>>;

/** Which metrics are drawn together; what is named nowhere gets a chart of its own. */
export const GROUPS: ReadonlyArray<ReadonlyArray<string>> = [
  ['loss', 'train_loss', 'val_loss'],
  ['val_dice', 'val_iou'],
  ['learning_rate'],
  ['steps_per_s']
];

/** Add points that came later. */
export function grown(
  curves: Curves,
  pieces: ReadonlyArray<CurveItem>
): Curves {
  const all = new Map(curves);
  for (const piece of pieces) {
    all.set(piece.name, [...(all.get(piece.name) ?? []), ...pointsOf(piece)]);
  }
  return all;
}

export function pointsOf(piece: CurveItem): ReadonlyArray<Point> {
  return piece.values.flatMap((value, k) => {
    const place = piece.steps[k] ?? piece.epochs[k]; // by epoch where there are no steps
    return value === null || place === undefined
      ? []
      : [[place, value] as Point];
  });
}

/** The groups that have something to draw. */
export function groupsOf(
  names: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<string>> {
  const known = new Set(GROUPS.flat());
  const others = names.filter(name => !known.has(name)).map(name => [name]);
  return [...GROUPS, ...others]
    .map(group => group.filter(name => names.includes(name)))
    .filter(group => group.length > 0);
}

/** At most `most` points: each the mean of those that it stands for, the last one as it is. */
export function thinned(
  points: ReadonlyArray<Point>,
  most: number
): ReadonlyArray<Point> {
  const last = points[points.length - 1];
  if (points.length <= most || last === undefined) {
    return points;
  }
  const size = points.length / (most - 1);
  const means: Point[] = [];
  for (let k = 0; k < most - 1; k += 1) {
    const part = points.slice(Math.floor(k * size), Math.floor((k + 1) * size));
    const sums = part.reduce<[number, number]>(
      ([x, y], point) => [x + point[0], y + point[1]],
      [0, 0]
    );
    means.push([sums[0] / part.length, sums[1] / part.length]);
  }
  return [...means, last];
}
