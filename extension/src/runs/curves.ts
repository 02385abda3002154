/** Curves as they grow, and the scales that they are drawn on; knows nothing of React. */

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

/** A scale from values to pixels, with the places of its ticks. */
export interface IScale {
  readonly low: number;
  readonly high: number;
  readonly ticks: ReadonlyArray<number>;
  /** From 0 (low) to 1 (high). */
  at(value: number): number;
}

export function linearScale(
  low: number,
  high: number,
  wantedTicks: number,
  isWhole = false
): IScale {
  if (!(high > low)) {
    const room = Math.abs(low) * 0.1 || 1;
    return linearScale(low - room, low + room, wantedTicks, isWhole);
  }
  const step = niceStep((high - low) / wantedTicks, isWhole);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, k) =>
    rounded((first + k) * step)
  );
  return { low, high, ticks, at: value => (value - low) / (high - low) };
}

/** As `linearScale`, but up to the next tick. */
export function roundScale(
  low: number,
  high: number,
  wantedTicks: number
): IScale {
  const step = niceStep((high - low || 1) / wantedTicks, false);
  return linearScale(low, Math.ceil(high / step - 1e-9) * step, wantedTicks);
}

/** Powers of ten, and where there are few of them their double and fivefold too. */
export function logScale(low: number, high: number): IScale {
  const from = Math.log10(low);
  const to = Math.max(Math.log10(high), from + 0.1);
  const factors = to - from > 3 ? [1] : to - from > 1.2 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(from); power <= Math.ceil(to); power += 1) {
    for (const factor of factors) {
      const tick = rounded(factor * 10 ** power);
      const place = Math.log10(tick);
      if (place >= from - 1e-9 && place <= to + 1e-9) {
        ticks.push(tick);
      }
    }
  }
  return {
    low,
    high: 10 ** to,
    ticks,
    at: value => (Math.log10(value) - from) / (to - from)
  };
}

function niceStep(rough: number, isWhole: boolean): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find(one => one * power >= rough) ?? 10;
  return isWhole ? Math.max(1, factor * power) : factor * power;
}

/** Without the noise of binary fractions. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
