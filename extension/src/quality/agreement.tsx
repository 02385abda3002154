/** How far two authors agree, or an author and a file. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { AgreementReport, ProgressList } from '../wire';
import { Problems } from './notes';
import { SortableTable } from './sortable';
import { useTask } from './task';
import { score } from './words';

export interface IAgreementProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly found: ProgressList;
  readonly trans: TranslationBundle;
}

/** Authors with a document, in order. */
export function authorsOf(found: ProgressList): string[] {
  const names = found.rows.flatMap(row =>
    row.author !== null && row.changed !== null ? [row.author] : []
  );
  return [...new Set(names)].sort((a, b) => a.localeCompare(b));
}

export function Agreement(props: IAgreementProps): React.JSX.Element {
  const { api, found, projectId, trans } = props;
  const authors = authorsOf(found);
  const [first, setFirst] = React.useState('');
  const [second, setSecond] = React.useState('');
  const task = useTask(api, trans.__('Comparing…'), trans);
  const a = authors.includes(first) ? first : (authors[0] ?? '');
  const b = authors.includes(second)
    ? second
    : (authors.find(name => name !== a) ?? '');
  if (authors.length < 2) {
    return (
      <p>
        {trans.__(
          'Two people must have annotated before they can be compared.'
        )}
      </p>
    );
  }
  return (
    <>
      <div className="labkit-Quality-filter">
        <Choice
          label={trans.__('First author')}
          value={a}
          options={authors}
          onChange={setFirst}
        />
        <Choice
          label={trans.__('Second author')}
          value={b}
          options={authors}
          onChange={setSecond}
        />
        <button
          type="button"
          className="labkit-Button"
          disabled={task.isRunning}
          onClick={() =>
            task.run(() =>
              api.quality.compare(projectId, { first: a, second: b })
            )
          }
        >
          {trans.__('Compare')}
        </button>
      </div>
      {task.note}
      {task.job?.agreement && (
        <Report report={task.job.agreement} trans={trans} />
      )}
    </>
  );
}

/** Compare with a file in the home. */
export function Gold(props: IAgreementProps): React.JSX.Element {
  const { api, found, projectId, trans } = props;
  const rows = found.rows.filter(
    row => row.author !== null && row.changed !== null
  );
  const [key, setKey] = React.useState('');
  const [path, setPath] = React.useState('');
  const [className, setClassName] = React.useState('');
  const task = useTask(api, trans.__('Comparing…'), trans);
  const names = rows.map(row => `${row.image}, ${row.author}`);
  const index = Math.max(names.indexOf(key), 0);
  const row = rows[index];
  if (row === undefined || row.author === null) {
    return <p>{trans.__('Nobody has annotated anything yet.')}</p>;
  }
  const asked = {
    image: row.image_id,
    author: row.author,
    path: path.trim(),
    class_name: className === '' ? null : className
  };
  return (
    <>
      <form
        className="labkit-Quality-filter"
        onSubmit={event => {
          event.preventDefault();
          task.run(() => api.quality.compareWithGold(projectId, asked));
        }}
      >
        <Choice
          label={trans.__('Annotations')}
          value={names[index] ?? ''}
          options={names}
          onChange={setKey}
        />
        <label>
          {trans.__('File in your home')}
          <input
            type="text"
            required
            placeholder={trans.__('reference/nuclei.geojson')}
            value={path}
            onChange={event => setPath(event.currentTarget.value)}
          />
        </label>
        <Choice
          label={trans.__('Class of a label image')}
          value={className}
          options={['', ...found.classes]}
          onChange={setClassName}
        />
        <button
          type="submit"
          className="labkit-Button"
          disabled={task.isRunning || path.trim() === ''}
        >
          {trans.__('Compare with the file')}
        </button>
      </form>
      {task.note}
      {task.job?.agreement && (
        <Report report={task.job.agreement} trans={trans} />
      )}
    </>
  );
}

export function Choice(props: {
  readonly label: string;
  readonly value: string;
  readonly options: ReadonlyArray<string>;
  readonly onChange: (value: string) => void;
}): React.JSX.Element {
  return (
    <label>
      {props.label}
      <select
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        {props.options.map(option => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

function Report(props: {
  readonly report: AgreementReport;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { report, trans } = props;
  return (
    <>
      <p role="status">
        {trans.__(
          'Kappa %1 over %2 pixels that both know, in %3 images. Objects: %4 matched (%5 of the same class), %6 only of %7, %8 only of %9.',
          score(report.kappa),
          report.known_px.toLocaleString(),
          report.images.length,
          report.matched,
          report.matched_same_class,
          report.missed,
          report.first,
          report.extra,
          report.second
        )}
        {report.unjudged > 0 &&
          ' ' +
            trans.__('%1 lie where the other has not looked.', report.unjudged)}
      </p>
      <Problems problems={report.problems} trans={trans} />
      <table
        className="labkit-Table"
        aria-label={trans.__('Agreement by class')}
      >
        <thead>
          <tr>
            <th scope="col">{trans.__('Class')}</th>
            <th scope="col">{trans.__('IoU')}</th>
            <th scope="col">{trans.__('Dice')}</th>
            <th scope="col">{trans.__('Kappa')}</th>
            <th scope="col">{trans.__('Pixels of %1', report.first)}</th>
            <th scope="col">{trans.__('Pixels of %1', report.second)}</th>
          </tr>
        </thead>
        <tbody>
          {report.classes.map(row => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <ScoreCell value={row.iou} />
              <ScoreCell value={row.dice} />
              <ScoreCell value={row.kappa} />
              <td data-number>{row.first_px.toLocaleString()}</td>
              <td data-number>{row.second_px.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {report.images.length > 1 && (
        <SortableTable
          label={trans.__('Agreement by image')}
          rows={report.images}
          rowKey={image => image.image_id}
          columns={[
            { key: 'image', label: trans.__('Image'), value: row => row.image },
            {
              key: 'kappa',
              label: trans.__('Kappa'),
              value: row => row.kappa,
              show: row => score(row.kappa),
              isNumber: true
            },
            {
              key: 'matched',
              label: trans.__('Matched'),
              value: row => row.matched,
              isNumber: true
            },
            {
              key: 'missed',
              label: trans.__('Only of %1', report.first),
              value: row => row.missed,
              isNumber: true
            },
            {
              key: 'extra',
              label: trans.__('Only of %1', report.second),
              value: row => row.extra,
              isNumber: true
            }
          ]}
        />
      )}
    </>
  );
}

/** A number and a bar as long as it; negative ones have none. */
function ScoreCell({
  value
}: {
  readonly value: number | null;
}): React.JSX.Element {
  const share = Math.max(value ?? 0, 0);
  return (
    <td data-number>
      <span className="labkit-Score">
        <span>{score(value)}</span>
        <i aria-hidden="true">
          <b style={{ width: `${100 * share}%` }} />
        </i>
      </span>
    </td>
  );
}
