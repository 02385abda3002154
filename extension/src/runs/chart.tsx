/** Curves with axes, a legend, and the values under the mouse or the arrow keys. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import {
  type IScale,
  linearScale,
  logScale,
  roundScale,
  type Point,
  thinned
} from './curves';
import { number } from './words';

const HEIGHT_PX = 210;
const SPACE = { top: 10, right: 14, bottom: 38, left: 58 } as const;
const MOST_POINTS = 600;
const COLOURS = 8;

/** One curve; `place` chooses its colour and dashes. */
export interface ISeries {
  readonly key: string;
  readonly label: string;
  readonly place: number;
  readonly isFaint?: boolean;
  readonly points: ReadonlyArray<Point>;
}

export interface IChartProps {
  readonly title: string;
  readonly xLabel: string;
  readonly series: ReadonlyArray<ISeries>;
  /** Whether a logarithmic axis is offered. */
  readonly mayLog?: boolean;
  /** Whether values are shares of one. */
  readonly isShare?: boolean;
  readonly trans: TranslationBundle;
}

export function Chart(props: IChartProps): React.JSX.Element {
  const { title, trans } = props;
  const [isLog, setLog] = React.useState(false);
  const [cursor, setCursor] = React.useState<number | null>(null);
  const [frame, width] = useWidth<HTMLDivElement>();
  const series = props.series
    .map(one => ({ ...one, points: drawn(one.points, isLog) }))
    .filter(one => one.points.length > 0);
  const stops = stopsOf(series);
  const scales = scalesOf(series, isLog, props.isShare === true, width);
  const shown = cursor === null ? null : nearest(stops, cursor);
  const move = (event: React.MouseEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const inner = width - SPACE.left - SPACE.right;
    const part = (event.clientX - box.left - SPACE.left) / inner;
    setCursor(scales.x.low + part * (scales.x.high - scales.x.low));
  };
  const press = (event: React.KeyboardEvent): void => {
    const next = nextStop(stops, shown, event.key);
    if (next !== undefined) {
      event.preventDefault();
      setCursor(next);
    }
  };
  return (
    <figure className="labkit-Chart" aria-label={title}>
      <figcaption>
        <h4>{title}</h4>
        {props.mayLog === true && (
          <label className="labkit-Form-check">
            <input
              type="checkbox"
              checked={isLog}
              onChange={event => setLog(event.currentTarget.checked)}
            />
            {trans.__('Logarithmic')}
          </label>
        )}
      </figcaption>
      <div ref={frame}>
        <svg
          role="img"
          aria-label={summary(title, series, trans)}
          tabIndex={0}
          width={width}
          height={HEIGHT_PX}
          onMouseMove={move}
          onMouseLeave={() => setCursor(null)}
          onBlur={() => setCursor(null)}
          onKeyDown={press}
        >
          <Axes scales={scales} width={width} xLabel={props.xLabel} />
          {series.map(one => (
            <Line key={one.key} series={one} scales={scales} width={width} />
          ))}
          {shown !== null && (
            <Cursor x={shown} series={series} scales={scales} width={width} />
          )}
        </svg>
      </div>
      <Legend
        series={props.series}
        xLabel={props.xLabel}
        at={shown}
        drawn={series}
      />
    </figure>
  );
}

interface IScales {
  readonly x: IScale;
  readonly y: IScale;
}

function drawn(
  points: ReadonlyArray<Point>,
  isLog: boolean
): ReadonlyArray<Point> {
  return thinned(isLog ? points.filter(([, y]) => y > 0) : points, MOST_POINTS);
}

function scalesOf(
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

function least(values: ReadonlyArray<number>): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(values: ReadonlyArray<number>): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

function xPx(scales: IScales, width: number, x: number): number {
  return SPACE.left + scales.x.at(x) * (width - SPACE.left - SPACE.right);
}

function yPx(scales: IScales, y: number): number {
  const height = HEIGHT_PX - SPACE.top - SPACE.bottom;
  return SPACE.top + (1 - scales.y.at(y)) * height;
}

function Axes(props: {
  readonly scales: IScales;
  readonly width: number;
  readonly xLabel: string;
}): React.JSX.Element {
  const { scales, width } = props;
  const foot = HEIGHT_PX - SPACE.bottom;
  const right = width - SPACE.right;
  return (
    <g className="labkit-Chart-axes" aria-hidden="true">
      {scales.y.ticks.map(tick => {
        const y = yPx(scales, tick);
        return (
          <g key={tick}>
            <line x1={SPACE.left} x2={right} y1={y} y2={y} />
            <text x={SPACE.left - 8} y={y + 4} textAnchor="end">
              {number(tick)}
            </text>
          </g>
        );
      })}
      {scales.x.ticks.map(tick => {
        const x = xPx(scales, width, tick);
        return (
          <g key={tick}>
            <line x1={x} x2={x} y1={foot} y2={foot + 4} />
            <text x={x} y={foot + 17} textAnchor="middle">
              {number(tick)}
            </text>
          </g>
        );
      })}
      <path
        d={`M${SPACE.left} ${SPACE.top}V${foot}H${right}`}
        className="labkit-Chart-frame"
      />
      <text x={(SPACE.left + right) / 2} y={HEIGHT_PX - 5} textAnchor="middle">
        {props.xLabel}
      </text>
    </g>
  );
}

function Line(props: {
  readonly series: ISeries;
  readonly scales: IScales;
  readonly width: number;
}): React.JSX.Element {
  const { scales, series, width } = props;
  const places = series.points.map(
    ([x, y]) =>
      `${xPx(scales, width, x).toFixed(1)} ${yPx(scales, y).toFixed(1)}`
  );
  const [only] = series.points;
  return (
    <g {...markOf(series)}>
      <path d={`M${places.join('L')}`} />
      {series.points.length <= 30 && only !== undefined && !series.isFaint && (
        <>
          {series.points.map(([x, y], k) => (
            <circle
              key={k}
              cx={xPx(scales, width, x)}
              cy={yPx(scales, y)}
              r={2.5}
            />
          ))}
        </>
      )}
    </g>
  );
}

function markOf(series: ISeries): Record<string, unknown> {
  return {
    className: 'labkit-Chart-series',
    'data-place': series.place % COLOURS,
    'data-faint': series.isFaint === true
  };
}

function Cursor(props: {
  readonly x: number;
  readonly series: ReadonlyArray<ISeries>;
  readonly scales: IScales;
  readonly width: number;
}): React.JSX.Element {
  const { scales, series, width, x } = props;
  const place = xPx(scales, width, x);
  return (
    <g aria-hidden="true">
      <line
        className="labkit-Chart-cursor"
        x1={place}
        x2={place}
        y1={SPACE.top}
        y2={HEIGHT_PX - SPACE.bottom}
      />
      {series.map(one => {
        const point = pointAt(one, x);
        return (
          point !== undefined && (
            <g key={one.key} {...markOf(one)}>
              <circle
                cx={xPx(scales, width, point[0])}
                cy={yPx(scales, point[1])}
                r={4}
              />
            </g>
          )
        );
      })}
    </g>
  );
}

/** Which line is which, and its value at the cursor or at the end. */
function Legend(props: {
  readonly series: ReadonlyArray<ISeries>;
  readonly drawn: ReadonlyArray<ISeries>;
  readonly xLabel: string;
  readonly at: number | null;
}): React.JSX.Element {
  const { at } = props;
  return (
    <ul
      className="labkit-Chart-legend"
      aria-live={at === null ? 'off' : 'polite'}
    >
      {at !== null && (
        <li>
          {props.xLabel} {number(Math.round(at))}
        </li>
      )}
      {props.series.map(one => {
        const found =
          at === null
            ? one.points[one.points.length - 1]
            : pointAt(
                props.drawn.find(({ key }) => key === one.key),
                at
              );
        return (
          <li key={one.key}>
            <svg width="26" height="10" aria-hidden="true">
              <g {...markOf(one)}>
                <path d="M0 5H26" />
              </g>
            </svg>
            {one.label}
            <output>{found === undefined ? '–' : number(found[1])}</output>
          </li>
        );
      })}
    </ul>
  );
}

/** The point of a curve that is nearest to a place, if the curve reaches so far. */
function pointAt(series: ISeries | undefined, x: number): Point | undefined {
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

function stopsOf(series: ReadonlyArray<ISeries>): ReadonlyArray<number> {
  const all = series.flatMap(one => one.points.map(([x]) => x));
  return [...new Set(all)].sort((a, b) => a - b);
}

function nearest(stops: ReadonlyArray<number>, x: number): number | null {
  return stops.length === 0
    ? null
    : stops.reduce((best, stop) =>
        Math.abs(stop - x) < Math.abs(best - x) ? stop : best
      );
}

function nextStop(
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

function summary(
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

/** The width of an element as it is drawn. */
function useWidth<T extends HTMLElement>(): [React.RefObject<T>, number] {
  const element = React.useRef<T>(null);
  const [width, setWidth] = React.useState(420);
  React.useEffect(() => {
    const node = element.current;
    if (node === null) {
      return undefined;
    }
    const observer = new ResizeObserver(([entry]) => {
      const found = entry?.contentRect.width ?? 0;
      if (found > 0) {
        setWidth(Math.max(200, Math.floor(found)));
      }
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
