/** Classes and objects beside the picture. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IItem } from './displaylist';
import type { Easel } from './easel';
import type { IChannelPanelProps } from './channelpanel';
import { ObjectFacts } from './objectfacts';
import { ObjectList } from './objectlist';
import { colourOf } from './painter';
import { Proposals } from './proposals';
import { SightPanel } from './sightpanel';
import { WhenTold } from './whentold';

export interface ISidebarProps {
  readonly easel: Easel;
  readonly readWindows: IChannelPanelProps['readWindows'];
  readonly trans: TranslationBundle;
}

export function Sidebar(props: ISidebarProps): React.JSX.Element {
  const { easel } = props;
  return (
    <WhenTold easel={easel}>
      {() => (
        <>
          <ClassList {...props} />
          <Proposals {...props} />
          <SightPanel {...props} sight={easel.sight} />
          <ObjectList {...props} />
          <ObjectFacts {...props} />
        </>
      )}
    </WhenTold>
  );
}

function ClassList({ easel, trans }: ISidebarProps): React.JSX.Element {
  const { classId, hidden } = easel.settings;
  const rows: ReadonlyArray<[number | null, string]> = [
    ...easel.classes.map(item => [item.id, item.name] as const),
    [null, trans.__('no class')] as const
  ].map(([id, name]) => [id, name]);
  const { items } = easel;
  const counts = React.useMemo(() => countsOf(items), [items]);
  return (
    <section aria-label={trans.__('Classes')}>
      <h3>{trans.__('Classes')}</h3>
      <ul className="labkit-Annotator-classes">
        {rows.map(([id, name], k) => (
          <li key={id ?? 'none'}>
            <button
              type="button"
              className="labkit-Annotator-class"
              aria-pressed={classId === id}
              title={
                id !== null && k < 9
                  ? trans.__('Draw as %1 (%2)', name, k + 1)
                  : trans.__('Draw as %1', name)
              }
              onClick={() => easel.chooseClass(id)}
            >
              <span
                className="labkit-Annotator-colour"
                style={{ background: colourOf(id, easel.classes) }}
              />
              <span className="labkit-Annotator-name">{name}</span>
              <span>{counts.get(id) ?? 0}</span>
            </button>
            <input
              type="checkbox"
              checked={!hidden.has(id)}
              aria-label={trans.__('Show %1', name)}
              title={trans.__('Show %1', name)}
              onChange={() => easel.set({ hidden: toggled(hidden, id) })}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Objects of each class; annotated areas have none. */
function countsOf(items: ReadonlyArray<IItem>): Map<number | null, number> {
  const counts = new Map<number | null, number>();
  for (const { head } of items) {
    if (head.kind !== 'area') {
      counts.set(head.class_id, (counts.get(head.class_id) ?? 0) + 1);
    }
  }
  return counts;
}

function toggled<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) {
    next.add(value);
  }
  return next;
}
