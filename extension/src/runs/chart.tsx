/** Curves with axes, a legend, and the values under the mouse or the arrow keys. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Legend } from './chartlegend';
import { Axes, Cursor, Line } from './chartmarks';
import { HEIGHT_PX, scalesOf, SPACE } from './chartplaces';
import {
  drawn,
  type ISeries,
  nearest,
  nextStop,
  stopsOf,
  summary
} from './series';

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
