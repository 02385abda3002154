/** Runs or models side by side: settings that differ, scores with the best marked, curves over each other. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { download, toCsv } from '../quality/csv';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import type { CompareAsk, CompareReport, CompareRow } from '../wire';
import { Chart } from './chart';
import { GROUPS, pointsOf } from './curves';
import { isShare, metricWord } from './metrics';

/** A comparison, read when it is shown and whenever something else is chosen. */
export function Comparison(props: {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly asked: CompareAsk;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { api, asked, projectId, trans } = props;
  const [report, setReport] = React.useState<CompareReport | null>(null);
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  const key = JSON.stringify(asked);
  React.useEffect(() => {
    let isCurrent = true;
    setReport(null);
    setError(null);
    api.runs
      .compareRuns(projectId, JSON.parse(key) as CompareAsk)
      .then(found => isCurrent && setReport(found))
      .catch(
        (reason: unknown) => isCurrent && setError(errorWords(reason, trans))
      );
    return () => {
      isCurrent = false;
    };
  }, [api, projectId, key, trans]);
  if (error !== null) {
    return <ErrorNote words={error} />;
  }
  return report === null ? (
    <p role="status">{trans.__('Comparing…')}</p>
  ) : (
    <Compared report={report} trans={trans} />
  );
}

function Compared(props: {
  readonly report: CompareReport;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { report, trans } = props;
  const [showsAll, setShowsAll] = React.useState(false);
  const hidden = report.rows.filter(row => isHidden(row)).length;
  const rows = report.rows.filter(row => showsAll || !isHidden(row));
  const save = (): void => {
    const heads = ['', ...report.columns.map(({ title }) => title)];
    const cells = report.rows.map(row => [row.name, ...row.values]);
    download('comparison.csv', toCsv([heads, ...cells]));
  };
  return (
    <>
      <div className="labkit-Runs-buttons">
        <button type="button" className="labkit-Button" onClick={save}>
          {trans.__('Download as CSV')}
        </button>
        {hidden > 0 && (
          <label className="labkit-Form-check">
            <input
              type="checkbox"
              checked={showsAll}
              onChange={event => setShowsAll(event.currentTarget.checked)}
            />
            {trans._n(
              'Show %1 setting that is the same',
              'Show %1 settings that are the same',
              hidden
            )}
          </label>
        )}
      </div>
      <CompareTable report={report} rows={rows} trans={trans} />
      <CompareCurves report={report} trans={trans} />
    </>
  );
}

function isHidden(row: CompareRow): boolean {
  return row.kind === 'setting' && !row.differs;
}

function CompareTable(props: {
  readonly report: CompareReport;
  readonly rows: ReadonlyArray<CompareRow>;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { report, rows, trans } = props;
  const label = trans.__('Comparison');
  return (
    <div
      className="labkit-Table-scroll"
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      <table className="labkit-Table labkit-Compare" aria-label={label}>
        <thead>
          <tr>
            <td />
            {report.columns.map((column, k) => (
              <th key={column.key} scope="col">
                <Swatch place={k} /> {column.title}
                <small>{column.key}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={`${row.kind} ${row.name}`} data-kind={row.kind}>
              <th scope="row">{row.name}</th>
              {row.values.map((value, k) => (
                <td
                  key={k}
                  data-differs={row.differs && row.kind === 'setting'}
                >
                  {value ?? '–'}
                  {row.best.includes(k) && (
                    <strong className="labkit-Compare-best">
                      {' '}
                      <span aria-hidden="true">★</span> {trans.__('best')}
                    </strong>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The line that a column has in the charts. */
function Swatch(props: { readonly place: number }): React.JSX.Element {
  return (
    <svg width="26" height="10" aria-hidden="true">
      <g className="labkit-Chart-series" data-place={props.place % 8}>
        <path d="M0 5H26" />
      </g>
    </svg>
  );
}

function CompareCurves(props: {
  readonly report: CompareReport;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { report, trans } = props;
  const present = new Set(
    report.columns.flatMap(({ curves }) => curves.map(({ name }) => name))
  );
  const known = GROUPS.flat().filter(name => present.has(name));
  const others = [...present].filter(name => !known.includes(name));
  const names = [...known, ...others].filter(name => name !== 'steps_per_s');
  if (names.length === 0) {
    return null;
  }
  return (
    <div className="labkit-Charts">
      {names.map(name => (
        <Chart
          key={name}
          title={capital(metricWord(name, trans))}
          xLabel={trans.__('epoch')}
          mayLog={name.includes('loss') || name === 'learning_rate'}
          isShare={isShare(name)}
          trans={trans}
          series={report.columns.flatMap((column, k) => {
            const piece = column.curves.find(one => one.name === name);
            const label = `${column.title} ${column.key}`;
            return piece === undefined
              ? []
              : [{ key: column.key, label, place: k, points: pointsOf(piece) }];
          })}
        />
      ))}
    </div>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
