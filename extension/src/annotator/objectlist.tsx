/** All objects as a list that is walked with the keyboard; only the rows in sight are drawn. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IItem } from './displaylist';
import type { Easel } from './easel';
import { kindWords } from './objectfacts';
import { colourOf } from './painter';
import { clamp } from './viewport';

const ROW_PX = 24;
const MORE_ROWS = 20; // above and below those in sight

export interface IObjectListProps {
  readonly easel: Easel;
  readonly trans: TranslationBundle;
}

export function ObjectList(props: IObjectListProps): React.JSX.Element {
  const { easel, trans } = props;
  const { items, session } = easel;
  const list = React.useRef<HTMLUListElement>(null);
  const prefix = React.useId();
  const [top, setTop] = React.useState(0);
  const last = session.selection.at(-1);
  const current = React.useMemo(() => placeOf(last, items), [last, items]);

  const height = useHeight(list);

  React.useEffect(() => scrollTo(list.current, current), [current, height]);

  const from = clamp(Math.floor(top / ROW_PX) - MORE_ROWS, 0, items.length);
  const to = Math.ceil((top + height) / ROW_PX) + MORE_ROWS;
  const chosen = new Set(session.selection);
  return (
    <section className="labkit-Annotator-objects">
      <h3 id={`${prefix}-title`}>
        {trans._n('%1 object', '%1 objects', items.length)}
      </h3>
      <ul
        ref={list}
        role="listbox"
        aria-labelledby={`${prefix}-title`}
        aria-multiselectable
        aria-activedescendant={
          current >= 0 ? `${prefix}-${current}` : undefined
        }
        tabIndex={0}
        onScroll={event => setTop(event.currentTarget.scrollTop)}
        onKeyDown={event => walk(event, easel)}
      >
        <li role="presentation" style={{ height: from * ROW_PX }} />
        {items.slice(from, to).map((item, k) => (
          <li
            key={item.head.id}
            id={`${prefix}-${from + k}`}
            role="option"
            aria-selected={chosen.has(item.head.id)}
            aria-setsize={items.length}
            aria-posinset={from + k + 1}
            data-elsewhere={!easel.sight.isInPlane(item.head) || undefined}
            onClick={event => click(event, easel, item)}
          >
            <span
              className="labkit-Annotator-colour"
              data-kind={item.head.kind}
              data-status={item.head.status}
              style={{
                background: colourOf(item.head.class_id, easel.classes)
              }}
            />
            {labelOf(item, from + k, easel, trans)}
          </li>
        ))}
        <li
          role="presentation"
          style={{ height: Math.max(items.length - to, 0) * ROW_PX }}
        />
      </ul>
    </section>
  );
}

/** The height of the list, which other parts of the sidebar take from. */
function useHeight(list: React.RefObject<HTMLElement>): number {
  const [height, setHeight] = React.useState(400);
  React.useEffect(() => {
    const observer = new ResizeObserver(entries =>
      setHeight(entries.at(-1)?.contentRect.height ?? 0)
    );
    if (list.current !== null) {
      observer.observe(list.current);
    }
    return () => observer.disconnect();
  }, []);
  return height;
}

function labelOf(
  { head }: IItem,
  k: number,
  easel: Easel,
  trans: TranslationBundle
): string {
  const name = easel.classes.find(one => one.id === head.class_id)?.name;
  const words = [String(k + 1), name ?? '', kindWords(head.kind, trans)];
  if (head.status === 'proposed') {
    words.push(trans.__('(proposed)'));
  }
  if (head.z !== null && easel.sight.settings.z !== null) {
    words.push(trans.__('(z %1)', head.z));
  }
  return words.filter(word => word !== '').join(' ');
}

/** Where an object stands in the list; -1 if it does not. */
function placeOf(id: string | undefined, items: ReadonlyArray<IItem>): number {
  return id === undefined ? -1 : items.findIndex(item => item.head.id === id);
}

/** Up, down, Home and End choose; with shift they add. */
function walk(event: React.KeyboardEvent, easel: Easel): void {
  const current = placeOf(easel.session.selection.at(-1), easel.items);
  const last = easel.items.length - 1;
  const targets: Readonly<Record<string, number>> = {
    ArrowUp: Math.max(current - 1, 0),
    ArrowDown: Math.min(current + 1, last),
    Home: 0,
    End: last
  };
  const target = targets[event.key];
  const id = easel.items[target ?? -1]?.head.id;
  if (target === undefined || event.ctrlKey || event.altKey) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  if (id !== undefined) {
    easel.choose(event.shiftKey ? [...easel.session.selection, id] : [id]);
  }
}

function click(event: React.MouseEvent, easel: Easel, { head }: IItem): void {
  const { selection } = easel.session;
  if (!event.shiftKey && !event.ctrlKey && !event.metaKey) {
    easel.choose([head.id]);
  } else if (selection.includes(head.id)) {
    easel.session.selection = selection.filter(id => id !== head.id);
  } else {
    easel.session.selection = [...selection, head.id];
  }
}

function scrollTo(list: HTMLUListElement | null, row: number): void {
  if (list === null || row < 0) {
    return;
  }
  const top = row * ROW_PX;
  const least = top + ROW_PX - list.clientHeight;
  list.scrollTop = clamp(list.scrollTop, Math.min(least, top), top);
}
