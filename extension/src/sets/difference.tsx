/** How one set differs from another, or from what it would be now. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import type { ComparisonReport, SetItem } from '../wire';
import { ChoiceRow } from './fields';
import { partWord } from './words';

/** Choose two sets, and see how they differ. */
export function TwoSets(props: {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly sets: ReadonlyArray<SetItem>;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { api, projectId, sets, trans } = props;
  const keys = sets.map(({ key }) => key);
  const [one, setOne] = React.useState('');
  const [other, setOther] = React.useState('');
  const [report, setReport] = React.useState<ComparisonReport | null>(null);
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  const first = keys.includes(one) ? one : (keys[1] ?? '');
  const second = keys.includes(other) ? other : (keys[0] ?? '');
  const options = sets.map(
    set => [set.key, `${set.name} ${set.version} (${set.hash})`] as const
  );
  const compare = async (): Promise<void> => {
    setError(null);
    try {
      setReport(await api.sets.compareSets(projectId, first, second));
    } catch (reason) {
      setReport(null);
      setError(errorWords(reason, trans));
    }
  };
  return (
    <section aria-label={trans.__('Compare two sets')}>
      <h3>{trans.__('Compare two sets')}</h3>
      <div className="labkit-Sets-compare">
        <ChoiceRow
          label={trans.__('From')}
          value={first}
          options={options}
          onChange={setOne}
        />
        <ChoiceRow
          label={trans.__('To')}
          value={second}
          options={options}
          onChange={setOther}
        />
        <button
          type="button"
          className="labkit-Button"
          onClick={() => void compare()}
        >
          {trans.__('Compare')}
        </button>
      </div>
      <ErrorNote words={error} />
      {report !== null && (
        <Difference
          report={report}
          label={trans.__('From %1 to %2', report.one, report.other)}
          trans={trans}
        />
      )}
    </section>
  );
}

export function Difference(props: {
  readonly report: ComparisonReport;
  readonly label: string;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { label, report, trans } = props;
  const rows = report.pixels.filter(row => row.before !== row.after);
  return (
    <section className="labkit-Sets-difference" aria-label={label}>
      <h4>{label}</h4>
      <ul role="status">
        {report.lines.map((line, k) => (
          <li key={k}>{line}</li>
        ))}
        {report.problems.map((problem, k) => (
          <li key={`problem ${k}`}>{problem}</li>
        ))}
      </ul>
      {report.settings.length > 0 && (
        <table
          className="labkit-Table"
          aria-label={trans.__('Settings that differ')}
        >
          <thead>
            <tr>
              <th scope="col">{trans.__('Setting')}</th>
              <th scope="col">{trans.__('Before')}</th>
              <th scope="col">{trans.__('After')}</th>
            </tr>
          </thead>
          <tbody>
            {report.settings.map(row => (
              <tr key={row.name}>
                <td>{row.name}</td>
                <td>{row.before}</td>
                <td>{row.after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length > 0 && (
        <table
          className="labkit-Table"
          aria-label={trans.__('Pixels before and after')}
        >
          <thead>
            <tr>
              <th scope="col">{trans.__('Part')}</th>
              <th scope="col">{trans.__('Class')}</th>
              <th scope="col">{trans.__('Before')}</th>
              <th scope="col">{trans.__('After')}</th>
              <th scope="col">{trans.__('Change')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <tr key={`${row.part}/${row.class_name}`}>
                <td>{partWord(row.part, trans)}</td>
                <td>{row.class_name}</td>
                <td data-number>{row.before.toLocaleString()}</td>
                <td data-number>{row.after.toLocaleString()}</td>
                <td data-number>{signed(row.after - row.before)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function signed(value: number): string {
  return (value > 0 ? '+' : '') + value.toLocaleString();
}
