/** The section "View": planes, channels, the look of objects. */

import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ChannelPanel, type IChannelPanelProps } from './channelpanel';
import { NumberField, Slider } from './numberfield';
import type { SchemeName } from './palettes';
import type { ISightSettings, ObjectStyle, Sight } from './sight';

export function SightPanel(props: IChannelPanelProps): React.JSX.Element {
  return (
    <UseSignal signal={props.sight.changed}>
      {() => <Section {...props} />}
    </UseSignal>
  );
}

function Section(props: IChannelPanelProps): React.JSX.Element {
  const { sight, trans } = props;
  const isOpen = sight.settings.panel;
  return (
    <section className="labkit-Annotator-sight" aria-label={trans.__('View')}>
      <h3>
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => sight.set({ panel: !isOpen })}
        >
          {trans.__('View')}
        </button>
      </h3>
      {isOpen && (
        <div>
          <Planes {...props} />
          {sight.picture.role === 'image' && <ChannelPanel {...props} />}
          <Objects {...props} />
        </div>
      )}
    </section>
  );
}

/** Through the stack. */
function Planes({ sight, trans }: IChannelPanelProps): React.JSX.Element {
  const { stack } = sight.picture;
  const axes = [
    ['z', trans.__('Plane z'), trans.__('Page Up, Page Down')],
    ['t', trans.__('Time t'), trans.__('Shift+Page Up, Shift+Page Down')]
  ] as const;
  const shown = axes.filter(([axis]) => (stack[axis] ?? 1) > 1);
  if (shown.length === 0) {
    return <></>;
  }
  return (
    <fieldset>
      <legend>{trans.__('Stack')}</legend>
      {shown.map(([axis, label, keys]) => {
        const range = { least: 0, most: (stack[axis] ?? 1) - 1, step: 1 };
        const change = (value: number): void =>
          sight.set({ [axis]: Math.round(value) });
        const shared = {
          label,
          value: sight.settings[axis] ?? 0,
          onChange: change,
          ...range
        };
        return (
          <div className="labkit-Annotator-row" key={axis} title={keys}>
            <span aria-hidden="true">{axis}</span>
            <Slider {...shared} />
            <NumberField {...shared} />
          </div>
        );
      })}
      {sight.settings.z !== null && (
        <Check
          sight={sight}
          name="allPlanes"
          label={trans.__('Draw on all planes')}
        />
      )}
    </fieldset>
  );
}

function Objects({ sight, trans }: IChannelPanelProps): React.JSX.Element {
  const { settings } = sight;
  const styles: ReadonlyArray<[ObjectStyle, string]> = [
    ['both', trans.__('outline and fill')],
    ['outline', trans.__('outline')],
    ['fill', trans.__('fill')],
    ['points', trans.__('points')]
  ];
  const schemes: ReadonlyArray<[SchemeName, string]> = [
    ['project', trans.__('of the project')],
    ['okabe-ito', trans.__('colour-blind safe (Okabe and Ito)')],
    ['bright', trans.__('colour-blind safe (Tol, bright)')]
  ];
  return (
    <fieldset>
      <legend>{trans.__('Objects')}</legend>
      <Choice
        label={trans.__('Show as')}
        value={settings.style}
        options={styles}
        onChange={style => sight.set({ style })}
      />
      <Choice
        label={trans.__('Colour by')}
        value={settings.colourBy}
        options={[
          ['class', trans.__('class')],
          ['object', trans.__('object')]
        ]}
        onChange={colourBy => sight.set({ colourBy })}
      />
      <Choice
        label={trans.__('Colours')}
        value={settings.scheme}
        options={schemes}
        onChange={scheme => sight.set({ scheme })}
      />
      <div className="labkit-Annotator-row">
        <span aria-hidden="true">{trans.__('Opacity')}</span>
        <Slider
          label={trans.__('Opacity of objects')}
          value={settings.opacity}
          least={0.1}
          most={1}
          step={0.05}
          onChange={opacity => sight.set({ opacity })}
        />
      </div>
      <Check
        sight={sight}
        name="hidesAll"
        label={trans.__('Hide all objects (H)')}
      />
      <Check
        sight={sight}
        name="mask"
        label={trans.__('What training sees')}
        title={trans.__(
          'The class of each pixel; objects of all planes count. Hatched is what nobody has looked at: training ignores it.'
        )}
      />
    </fieldset>
  );
}

function Check({
  sight,
  name,
  label,
  title
}: {
  readonly sight: Sight;
  readonly name: 'allPlanes' | 'hidesAll' | 'mask';
  readonly label: string;
  readonly title?: string;
}): React.JSX.Element {
  return (
    <label className="labkit-Annotator-row" title={title}>
      <input
        type="checkbox"
        checked={sight.settings[name]}
        onChange={event => {
          const change: Partial<ISightSettings> = {
            [name]: event.target.checked
          };
          sight.set(change);
        }}
      />
      {label}
    </label>
  );
}

function Choice<T extends string>({
  label,
  value,
  options,
  onChange
}: {
  readonly label: string;
  readonly value: T;
  readonly options: ReadonlyArray<readonly [T, string]>;
  readonly onChange: (value: T) => void;
}): React.JSX.Element {
  return (
    <label className="labkit-Annotator-row">
      <span>{label}</span>
      <select
        value={value}
        onChange={event => {
          const chosen = options.find(([name]) => name === event.target.value);
          if (chosen !== undefined) {
            onChange(chosen[0]);
          }
        }}
      >
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
