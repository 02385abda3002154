/** How much of each class each part has: numbers, and bars as long as their share. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ClassItem, PartItem } from '../wire';
import { compact, PARTS, partWord, percent } from './words';

export interface IBalanceProps {
  readonly parts: ReadonlyArray<PartItem>;
  readonly classes: ReadonlyArray<ClassItem>;
  readonly trans: TranslationBundle;
}

interface IRow {
  readonly name: string;
  readonly colour: string;
  readonly pixels: (part: PartItem) => number;
}

export function Balance(props: IBalanceProps): React.JSX.Element {
  const { trans } = props;
  const parts = PARTS.flatMap(name =>
    props.parts.filter(part => part.part === name)
  );
  return (
    <table
      className="labkit-Table labkit-Balance"
      aria-label={trans.__('Pixels of each class')}
    >
      <thead>
        <tr>
          <th scope="col">{trans.__('Class')}</th>
          {parts.map(part => (
            <th key={part.part} scope="col" data-part={part.part}>
              <PartMark part={part.part} /> {partWord(part.part, trans)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rowsOf(props).map(row => (
          <tr key={row.name}>
            <th scope="row">
              <i
                className="labkit-Balance-colour"
                style={{ background: row.colour }}
                aria-hidden="true"
              />
              {row.name}
            </th>
            {parts.map(part => (
              <Cell
                key={part.part}
                pixels={row.pixels(part)}
                total={totalOf(part)}
                colour={row.colour}
              />
            ))}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{trans.__('Chips')}</th>
          {parts.map(part => (
            <td key={part.part} data-number data-chips={part.chips}>
              {part.chips.toLocaleString()}
            </td>
          ))}
        </tr>
      </tfoot>
    </table>
  );
}

/** The outline by which a part is known in the pictures. */
export function PartMark(props: { readonly part: string }): React.JSX.Element {
  return (
    <i className="labkit-PartMark" data-part={props.part} aria-hidden="true" />
  );
}

function Cell(props: {
  readonly pixels: number;
  readonly total: number;
  readonly colour: string;
}): React.JSX.Element {
  const { colour, pixels, total } = props;
  const width = total > 0 ? (100 * pixels) / total : 0;
  return (
    <td data-number title={pixels.toLocaleString()}>
      <span>{compact(pixels)}</span> <small>{percent(pixels, total)}</small>
      <i className="labkit-Balance-bar" aria-hidden="true">
        <b style={{ width: `${width}%`, background: colour }} />
      </i>
    </td>
  );
}

function rowsOf({ classes, trans }: IBalanceProps): ReadonlyArray<IRow> {
  const ofId = (id: number) => (part: PartItem) => part.pixels[id] ?? 0;
  return [
    {
      name: trans.__('background'),
      colour: 'var(--jp-ui-font-color2)',
      pixels: ofId(0)
    },
    ...classes.map(({ colour, id, name }) => ({
      name,
      colour,
      pixels: ofId(id)
    })),
    {
      name: trans.__('unknown'),
      colour: 'var(--labkit-hatch)',
      pixels: part => part.ignored_pixels
    }
  ];
}

function totalOf(part: PartItem): number {
  const known = Object.values(part.pixels).reduce((sum, one) => sum + one, 0);
  return known + part.ignored_pixels;
}
