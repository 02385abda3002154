/** How far everybody has come: a bar, and a table of each author in each image. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ProgressItem, ProgressList } from '../wire';
import { download, toCsv } from './csv';
import { type IColumn, SortableTable } from './sortable';
import { clock, duration, type State, STATES, stateWord } from './words';

export interface IProgressProps {
  readonly found: ProgressList;
  readonly trans: TranslationBundle;
  readonly onOpen: (row: ProgressItem) => void;
}

export function Progress(props: IProgressProps): React.JSX.Element {
  const { found, trans } = props;
  const [text, setText] = React.useState('');
  const [state, setState] = React.useState<State | ''>('');
  const columns = columnsOf(props);
  const rows = found.rows.filter(row => fits(row, text, state));
  const save = (): void => {
    const cells = rows.map(row => columns.map(column => column.value(row)));
    const heads = columns.map(column => column.label);
    download(`${found.title} progress.csv`, toCsv([heads, ...cells]));
  };
  return (
    <>
      <Bar found={found} trans={trans} />
      <div className="labkit-Quality-filter" role="search">
        <label>
          {trans.__('Image or author')}
          <input
            type="search"
            value={text}
            onChange={event => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          {trans.__('State')}
          <select
            value={state}
            onChange={event =>
              setState(event.currentTarget.value as State | '')
            }
          >
            <option value="">{trans.__('all')}</option>
            {STATES.map(one => (
              <option key={one} value={one}>
                {stateWord(one, trans)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="labkit-Button" onClick={save}>
          {trans.__('Download as CSV')}
        </button>
      </div>
      <SortableTable
        label={trans.__('Progress')}
        columns={columns}
        rows={rows}
        rowKey={row => `${row.image_id}/${row.author ?? ''}`}
        foot={<Totals found={found} columns={columns.length} trans={trans} />}
      />
      {rows.length === 0 && <p>{trans.__('Nothing fits this choice.')}</p>}
    </>
  );
}

function fits(row: ProgressItem, text: string, state: State | ''): boolean {
  const words = `${row.image} ${row.author ?? ''}`.toLowerCase();
  return (
    words.includes(text.trim().toLowerCase()) &&
    (state === '' || row.state === state)
  );
}

function columnsOf(
  props: IProgressProps
): ReadonlyArray<IColumn<ProgressItem>> {
  const { found, onOpen, trans } = props;
  const yes = (flag: boolean): string => (flag ? trans.__('yes') : '');
  return [
    {
      key: 'image',
      label: trans.__('Image'),
      value: row => row.image,
      show: row => (
        <button
          type="button"
          className="labkit-Link"
          aria-label={openLabel(row, trans)}
          onClick={() => onOpen(row)}
        >
          {row.image}
        </button>
      )
    },
    {
      key: 'author',
      label: trans.__('Author'),
      value: row => row.author,
      show: row => row.author ?? <em>{trans.__('nobody yet')}</em>
    },
    {
      key: 'state',
      label: trans.__('State'),
      value: row => stateWord(row.state, trans),
      show: row => <StateCell row={row} trans={trans} />
    },
    {
      key: 'finished',
      label: trans.__('Finished'),
      value: row => yes(row.finished)
    },
    ...found.classes.map(name => ({
      key: `class ${name}`,
      label: name,
      value: (row: ProgressItem) => row.objects[name] ?? 0,
      isNumber: true
    })),
    {
      key: 'unclassified',
      label: trans.__('No class'),
      value: row => row.unclassified,
      isNumber: true
    },
    {
      key: 'areas',
      label: trans.__('Areas'),
      value: row => row.areas,
      isNumber: true
    },
    {
      key: 'seconds',
      label: trans.__('Time'),
      value: row => Math.round(row.seconds),
      show: row => duration(row.seconds, trans),
      isNumber: true
    },
    {
      key: 'comments',
      label: trans.__('Open comments'),
      value: row => row.open_comments,
      isNumber: true
    },
    {
      key: 'changed',
      label: trans.__('Changed'),
      value: row => row.changed,
      show: row =>
        row.changed === null
          ? ''
          : new Date(row.changed).toLocaleString([], {
              dateStyle: 'short',
              timeStyle: 'short'
            }),
      isNumber: true
    }
  ];
}

function openLabel(row: ProgressItem, trans: TranslationBundle): string {
  return row.author === null
    ? trans.__('Open %1', row.image)
    : trans.__('Open %1 of %2', row.image, row.author);
}

function StateCell(props: {
  readonly row: ProgressItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { row, trans } = props;
  return (
    <>
      <span className="labkit-State" data-state={row.state}>
        {stateWord(row.state, trans)}
      </span>
      {row.claimed_until !== null && (
        <small> {trans.__('at work until %1', clock(row.claimed_until))}</small>
      )}
      {row.problem !== null && (
        <details className="labkit-Quality-problem">
          <summary>{trans.__('cannot be read')}</summary>
          {row.problem}
        </details>
      )}
    </>
  );
}

/** Documents in each state, as parts of a bar with the same in words. */
function Bar(props: {
  readonly found: ProgressList;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { found, trans } = props;
  const { totals } = found;
  const untouched = totals.images - totals.annotated_images;
  const counts: ReadonlyArray<readonly [string, string, number]> = [
    ...STATES.map(
      state =>
        [state, stateWord(state, trans), totals.states[state] ?? 0] as const
    ),
    [
      'untouched',
      trans._n(
        'image that nobody began',
        'images that nobody began',
        untouched
      ),
      untouched
    ]
  ];
  const present = counts.filter(([, , count]) => count > 0);
  return (
    <figure className="labkit-Quality-bar">
      <div aria-hidden="true">
        {present.map(([state, , count]) => (
          <span key={state} data-state={state} style={{ flexGrow: count }} />
        ))}
      </div>
      <figcaption>
        {present.map(([state, words, count]) => (
          <span key={state}>
            <i data-state={state} aria-hidden="true" />
            {count} {words}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function Totals(props: {
  readonly found: ProgressList;
  readonly columns: number;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { found, trans } = props;
  const { totals } = found;
  return (
    <tr>
      <th scope="row" colSpan={3}>
        {trans.__(
          'Together: %1 of %2 images begun, %3 documents',
          totals.annotated_images,
          totals.images,
          totals.documents
        )}
      </th>
      <td>{totals.finished}</td>
      {found.classes.map(name => (
        <td key={name} data-number>
          {totals.objects[name] ?? 0}
        </td>
      ))}
      <td data-number>{totals.unclassified}</td>
      <td data-number>{totals.areas}</td>
      <td data-number>{duration(totals.seconds, trans)}</td>
      <td data-number>{totals.open_comments}</td>
      <td />
    </tr>
  );
}
