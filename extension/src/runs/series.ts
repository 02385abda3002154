/** What a chart draws: the points of its curves, where its cursor stops, and the whole in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { type Point, thinned } from './curves';
import { number } from './words';

const MOST_POINTS = 600;

/** One curve; `place` chooses its colour and dashes. */
export interface ISeries {
  readonly key: string;
  readonly label: string;
  readonly place: number;
  readonly isFaint?: boolean;
  readonly points: ReadonlyArray<Point>;
}

export function drawn(
  points: ReadonlyArray<Point>,
  isLog: boolean
): ReadonlyArray<Point> {
  return thinned(isLog ? points.filter(([, y]) => y > 0) : points, MOST_POINTS);
}

export function least(values: ReadonlyArray<number>): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

export function most(values: ReadonlyArray<number>): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

/** The point of a curve that is nearest to a place, if the curve reaches so far. */
export function pointAt(
  series: ISeries | undefined,
  x: number
): Point | undefined {
  const points = series?.points ?? [];
  const first = points[0];
  const last = points[points.length - 1];
  if (first === undefined || last === undefined) {
    return undefined;
  }
  if (points.length > 1 && (x < first[0] - 1e-9 || x > last[0] + 1e-9)) {
    return undefined;
  }
  return points.reduce((best, point) =>
    Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best
  );
}

export function stopsOf(series: ReadonlyArray<ISeries>): ReadonlyArray<number> {
  const all = series.flatMap(one => one.points.map(([x]) => x));
  return [...new Set(all)].sort((a, b) => a - b);
}

export function nearest(
  stops: ReadonlyArray<number>,
  x: number
): number | null {
  return stops.length === 0
    ? null
    : stops.reduce((best, stop) =>
        Math.abs(stop - x) < Math.abs(best - x) ? stop : best
      );
}

export function nextStop(
  stops: ReadonlyArray<number>,
  at: number | null,
  key: string
): number | undefined {
  const last = stops.length - 1;
  const here = at === null ? last + 1 : stops.indexOf(at);
  switch (key) {
    case 'ArrowLeft':
      return stops[Math.max(0, here - 1)];
    case 'ArrowRight':
      return stops[Math.min(last, here + 1)];
    case 'Home':
      return stops[0];
    case 'End':
      return stops[last];
    default:
      return undefined;
  }
}

export function summary(
  title: string,
  series: ReadonlyArray<ISeries>,
  trans: TranslationBundle
): string {
  const parts = series.map(one => {
    const last = one.points[one.points.length - 1];
    const ys = one.points.map(([, y]) => y);
    return trans.__(
      '%1: %2 now, between %3 and %4',
      one.label,
      last === undefined ? '' : number(last[1]),
      number(least(ys)),
      number(most(ys))
    );
  });
  return [title, ...parts].join('; ');
}
