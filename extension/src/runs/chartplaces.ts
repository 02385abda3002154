/** Where things stand in a chart, in pixels. */

import { type IScale, linearScale, logScale, roundScale } from './scales';
import { type ISeries, least, most } from './series';

export const HEIGHT_PX = 210;
export const SPACE = { top: 10, right: 14, bottom: 38, left: 58 } as const;

export interface IScales {
  readonly x: IScale;
  readonly y: IScale;
}

export function scalesOf(
  series: ReadonlyArray<ISeries>,
  isLog: boolean,
  isShare: boolean,
  width: number
): IScales {
  const points = series.flatMap(one => one.points);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [low, high] = points.length > 0 ? [least(ys), most(ys)] : [0.1, 1];
  const room = (high - low) * 0.04;
  const wanted = Math.max(2, Math.round(width / 110));
  return {
    x: linearScale(0, most([...xs, 1]), wanted, true),
    y: isLog
      ? logScale(low, high)
      : isShare
        ? linearScale(Math.min(0, low), Math.max(1, high), 5)
        : roundScale(low >= 0 ? 0 : low - room, high, 5)
  };
}

export function xPx(scales: IScales, width: number, x: number): number {
  return SPACE.left + scales.x.at(x) * (width - SPACE.left - SPACE.right);
}

export function yPx(scales: IScales, y: number): number {
  const height = HEIGHT_PX - SPACE.top - SPACE.bottom;
  return SPACE.top + (1 - scales.y.at(y)) * height;
}
