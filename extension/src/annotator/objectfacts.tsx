/** What is known of the one chosen object, and its class and attributes to be changed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IItem } from './displaylist';
import type { Easel } from './easel';
import type { Attribute, IDescribedMessage } from './protocol';

export interface IFactsProps {
  readonly easel: Easel;
  readonly trans: TranslationBundle;
}

/** Nothing is shown unless exactly one object is chosen. */
export function ObjectFacts(props: IFactsProps): React.JSX.Element | null {
  const { easel, trans } = props;
  const { session } = easel;
  const [item, ...others] = easel.chosen;
  const id = others.length === 0 ? item?.head.id : undefined;
  const { revision } = session.list;
  React.useEffect(() => {
    if (id !== undefined) {
      session.describe(id);
    }
  }, [id, revision]);
  if (item === undefined || id === undefined) {
    return null;
  }
  const told = session.described(id);
  return (
    <section className="labkit-Annotator-facts" aria-label={trans.__('Object')}>
      <h3>{trans.__('Object')}</h3>
      <ClassChoice {...props} item={item} />
      <dl>
        {factsOf(item, told, trans).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={value}>{value}</dd>
          </div>
        ))}
      </dl>
      {told !== null && <Attributes key={id} {...props} told={told} />}
    </section>
  );
}

function ClassChoice({
  easel,
  trans,
  item
}: IFactsProps & { item: IItem }): React.JSX.Element | null {
  const { id, kind, class_id } = item.head;
  if (kind === 'area') {
    return null; // an annotated area has no class
  }
  return (
    <label>
      {trans.__('Class')}
      <select
        aria-label={trans.__('Class of the object')}
        value={class_id ?? ''}
        onChange={event => {
          const text = event.target.value;
          easel.session.command('set_class', [id], {
            class_id: text === '' ? null : Number(text)
          });
        }}
      >
        {easel.classes.map(one => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
        <option value="">{trans.__('no class')}</option>
      </select>
    </label>
  );
}

function factsOf(
  { head }: IItem,
  told: IDescribedMessage | null,
  trans: TranslationBundle
): Array<[string, string]> {
  const facts: Array<[string, string]> = [
    [trans.__('Kind'), kindWords(head.kind, trans)],
    [trans.__('Source'), head.source],
    [trans.__('Author'), head.author]
  ];
  if (told !== null) {
    facts.push([trans.__('Time'), new Date(told.created).toLocaleString()]);
    const { area_px, area_um2 } = told;
    if (area_px !== null) {
      facts.push([trans.__('Area'), trans.__('%1 px', rounded(area_px))]);
    }
    if (area_um2 !== null) {
      facts.push(['', trans.__('%1 µm²', rounded(area_um2))]);
    }
  }
  return facts;
}

/** The kind of an object, in words. */
export function kindWords(
  kind: IItem['head']['kind'],
  trans: TranslationBundle
): string {
  const kinds: Readonly<Record<typeof kind, string>> = {
    polygon: trans.__('polygon'),
    box: trans.__('box'),
    ellipse: trans.__('ellipse'),
    point: trans.__('point'),
    mask: trans.__('mask'),
    area: trans.__('annotated area')
  };
  return kinds[kind];
}

interface IAttributesProps extends IFactsProps {
  readonly told: IDescribedMessage;
}

function Attributes({
  easel,
  trans,
  told
}: IAttributesProps): React.JSX.Element {
  const change = (name: string, value: Attribute | null): void => {
    easel.session.command('set_attributes', [told.id], {
      attributes: { [name]: value }
    });
  };
  return (
    <div role="group" aria-label={trans.__('Attributes')}>
      {Object.entries(told.attributes).map(([name, value]) => (
        <AttributeRow
          key={`${name} ${JSON.stringify(value)}`}
          {...{ name, value, change, trans }}
        />
      ))}
      <NewAttribute trans={trans} change={change} />
    </div>
  );
}

interface IChangeProps {
  readonly trans: TranslationBundle;
  readonly change: (name: string, value: Attribute | null) => void;
}

function AttributeRow({
  name,
  value,
  change,
  trans
}: IChangeProps & { name: string; value: unknown }): React.JSX.Element {
  const isSimple = ['string', 'number', 'boolean'].includes(typeof value);
  const before = isSimple ? String(value) : JSON.stringify(value);
  const [text, setText] = React.useState(before);
  const commit = (): void => {
    if (text !== before) {
      change(name, likeBefore(text, value));
    }
  };
  return (
    <div className="labkit-Annotator-attribute">
      <label>
        <span title={name}>{name}</span>
        <input
          value={text}
          readOnly={!isSimple}
          onChange={event => setText(event.target.value)}
          onBlur={commit}
          onKeyDown={event => event.key === 'Enter' && commit()}
        />
      </label>
      <button
        type="button"
        className="labkit-Button"
        aria-label={trans.__('Remove %1', name)}
        title={trans.__('Remove %1', name)}
        onClick={() => change(name, null)}
      >
        ×
      </button>
    </div>
  );
}

function NewAttribute({ trans, change }: IChangeProps): React.JSX.Element {
  const [name, setName] = React.useState('');
  const [text, setText] = React.useState('');
  return (
    <form
      className="labkit-Annotator-attribute"
      onSubmit={event => {
        event.preventDefault();
        change(name.trim(), text);
        setName('');
        setText('');
      }}
    >
      <input
        aria-label={trans.__('Name of a new attribute')}
        placeholder={trans.__('attribute')}
        value={name}
        onChange={event => setName(event.target.value)}
      />
      <input
        aria-label={trans.__('Value of the new attribute')}
        placeholder={trans.__('value')}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      <button
        type="submit"
        className="labkit-Button"
        disabled={name.trim() === ''}
        aria-label={trans.__('Add attribute')}
        title={trans.__('Add attribute')}
      >
        +
      </button>
    </form>
  );
}

/** What was typed, as a number or truth value where it was one before and still is. */
function likeBefore(text: string, before: unknown): Attribute {
  if (typeof before === 'number' && text.trim() !== '') {
    const value = Number(text);
    return Number.isFinite(value) ? value : text;
  }
  if (typeof before === 'boolean' && ['true', 'false'].includes(text)) {
    return text === 'true';
  }
  return text;
}

function rounded(value: number): string {
  return value.toLocaleString(undefined, {
    maximumFractionDigits: value < 100 ? 2 : 0
  });
}
