/** What stands in a chart: axes, curves, and the cursor. */

import * as React from 'react';

import { HEIGHT_PX, type IScales, SPACE, xPx, yPx } from './chartplaces';
import { type ISeries, pointAt } from './series';
import { number } from './words';

const COLOURS = 8;

export function Axes(props: {
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

export function Line(props: {
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

export function markOf(series: ISeries): Record<string, unknown> {
  return {
    className: 'labkit-Chart-series',
    'data-place': series.place % COLOURS,
    'data-faint': series.isFaint === true
  };
}

export function Cursor(props: {
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
