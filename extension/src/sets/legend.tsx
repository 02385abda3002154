/** What colours, outlines and letters in the pictures mean. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ClassItem } from '../wire';
import { PartMark } from './balance';
import { COVERAGE_COLOURS } from './painting';
import { PART_LETTERS, PARTS, partWord } from './words';

export function Legend(props: {
  readonly classes: ReadonlyArray<ClassItem>;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { classes, trans } = props;
  return (
    <div
      className="labkit-Sets-legend"
      role="group"
      aria-label={trans.__('Legend')}
    >
      <span>
        {trans.__('annotated')} 0 %
        <i
          className="labkit-Sets-scale"
          aria-hidden="true"
          style={{
            background: `linear-gradient(90deg, ${COVERAGE_COLOURS.join(', ')})`
          }}
        />
        100 %
      </span>
      {PARTS.map(part => (
        <span key={part}>
          <PartMark part={part} />
          {PART_LETTERS[part]} {partWord(part, trans)}
        </span>
      ))}
      <span>
        <PartMark part="gap" /> {trans.__('gap')}
      </span>
      <span>
        <i className="labkit-Sets-dark" aria-hidden="true" />
        {trans.__('dark: not chosen')}
      </span>
      {classes.map(item => (
        <span key={item.id}>
          <i
            className="labkit-Sets-dot"
            style={{ background: item.colour }}
            aria-hidden="true"
          />
          {item.name}
        </span>
      ))}
    </div>
  );
}
