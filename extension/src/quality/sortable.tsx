/** A table that is sorted by its heads, with mouse and keyboard. */

import * as React from 'react';

import type { Cell } from './csv';

export interface IColumn<Row> {
  readonly key: string;
  readonly label: string;
  /** What is sorted by and goes into a file. */
  readonly value: (row: Row) => Cell;
  /** What is shown, where that is something else. */
  readonly show?: (row: Row) => React.ReactNode;
  readonly isNumber?: boolean;
}

export interface ISort {
  readonly key: string;
  readonly isDown: boolean;
}

export function SortableTable<Row>(props: {
  readonly label: string;
  readonly columns: ReadonlyArray<IColumn<Row>>;
  readonly rows: ReadonlyArray<Row>;
  readonly rowKey: (row: Row) => string;
  readonly foot?: React.ReactNode;
}): React.JSX.Element {
  const { columns, label, rows } = props;
  const [sort, setSort] = React.useState<ISort | null>(null);
  const shown = sorted(rows, columns, sort);
  return (
    <div
      className="labkit-Table-scroll"
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      <table className="labkit-Table" aria-label={label}>
        <thead>
          <tr>
            {columns.map(column => (
              <th
                key={column.key}
                scope="col"
                aria-sort={ariaSort(column.key, sort)}
                data-number={column.isNumber}
              >
                <button
                  type="button"
                  onClick={() => setSort(nextSort(column.key, sort))}
                >
                  {column.label}
                  <span aria-hidden="true">{arrow(column.key, sort)}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(row => (
            <tr key={props.rowKey(row)}>
              {columns.map(column => (
                <td key={column.key} data-number={column.isNumber}>
                  {column.show?.(row) ?? String(column.value(row) ?? '')}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {props.foot !== undefined && <tfoot>{props.foot}</tfoot>}
      </table>
    </div>
  );
}

/** Rows by a column; what is empty comes last in both directions. */
function sorted<Row>(
  rows: ReadonlyArray<Row>,
  columns: ReadonlyArray<IColumn<Row>>,
  sort: ISort | null
): ReadonlyArray<Row> {
  const column = columns.find(one => one.key === sort?.key);
  if (column === undefined || sort === null) {
    return rows;
  }
  const sign = sort.isDown ? -1 : 1;
  return [...rows].sort((a, b) =>
    compare(column.value(a), column.value(b), sign)
  );
}

function compare(a: Cell, b: Cell, sign: number): number {
  const isEmpty = (cell: Cell): boolean => cell === null || cell === '';
  if (isEmpty(a) || isEmpty(b)) {
    return Number(isEmpty(a)) - Number(isEmpty(b));
  }
  if (typeof a === 'string' || typeof b === 'string') {
    const options = { numeric: true, sensitivity: 'base' } as const;
    return sign * String(a).localeCompare(String(b), undefined, options);
  }
  return sign * (Number(a) - Number(b));
}

function nextSort(key: string, sort: ISort | null): ISort | null {
  if (sort?.key !== key) {
    return { key, isDown: false };
  }
  return sort.isDown ? null : { key, isDown: true };
}

function ariaSort(
  key: string,
  sort: ISort | null
): 'ascending' | 'descending' | 'none' {
  if (sort?.key !== key) {
    return 'none';
  }
  return sort.isDown ? 'descending' : 'ascending';
}

function arrow(key: string, sort: ISort | null): string {
  return sort?.key !== key ? '' : sort.isDown ? ' ▼' : ' ▲';
}
