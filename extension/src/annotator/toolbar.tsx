/** The buttons above the picture. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Actions } from './actions';
import type { Easel } from './easel';
import type { DrawMode } from './protocol';
import { describe, TOOLS } from './tools';
import { WhenTold } from './whentold';

export interface IToolbarProps {
  readonly easel: Easel;
  readonly trans: TranslationBundle;
}

export function Toolbar(props: IToolbarProps): React.JSX.Element {
  return (
    <WhenTold easel={props.easel}>
      {() => (
        <>
          <Tools {...props} />
          <Modes {...props} />
          <Actions {...props} />
        </>
      )}
    </WhenTold>
  );
}

function Tools({ easel, trans }: IToolbarProps): React.JSX.Element {
  const { settings } = easel;
  const paints = ['brush', 'eraser'].includes(settings.tool);
  return (
    <div role="group" aria-label={trans.__('Tools')}>
      {TOOLS.map(tool => (
        <button
          key={tool.name}
          type="button"
          className="labkit-IconButton"
          aria-pressed={settings.tool === tool.name}
          aria-label={describe(tool.name, trans)}
          title={`${describe(tool.name, trans)} (${tool.key.toUpperCase()})`}
          onClick={() => easel.set({ tool: tool.name })}
        >
          <tool.icon.react tag="span" />
        </button>
      ))}
      {settings.tool === 'assist' && (
        <AssistantChoice easel={easel} trans={trans} />
      )}
      {paints && (
        <label
          className="labkit-Annotator-setting"
          title={trans.__('Radius of the brush in pixels of the picture ([ ])')}
        >
          {trans.__('Radius')}
          <input
            type="number"
            min={0.5}
            max={500}
            step="any"
            value={Number(settings.radius.toFixed(1))}
            onChange={event =>
              easel.set({ radius: Number(event.target.value) || 1 })
            }
          />
        </label>
      )}
    </div>
  );
}

/** Only where there is a choice. */
function AssistantChoice({
  easel,
  trans
}: IToolbarProps): React.JSX.Element | null {
  const { assistants } = easel.session.options;
  if (assistants.length < 2) {
    return null;
  }
  return (
    <label className="labkit-Annotator-setting">
      {trans.__('Assistant')}
      <select
        aria-label={trans.__('Assistant')}
        value={easel.settings.assistant || assistants[0]}
        onFocus={() => easel.session.askOptions()}
        onChange={event => easel.set({ assistant: event.target.value })}
      >
        {assistants.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Modes({ easel, trans }: IToolbarProps): React.JSX.Element {
  const { settings } = easel;
  const modes: ReadonlyArray<[DrawMode, string, string]> = [
    ['new', trans.__('New'), trans.__('What is drawn is a new object')],
    ['add', trans.__('Add'), trans.__('What is drawn joins the chosen object')],
    [
      'subtract',
      trans.__('Subtract'),
      trans.__('What is drawn is taken away from the chosen objects')
    ]
  ];
  return (
    <div role="group" aria-label={trans.__('What drawing does')}>
      {modes.map(([mode, label, title]) => (
        <button
          key={mode}
          type="button"
          className="labkit-Button"
          aria-pressed={settings.mode === mode}
          title={title}
          onClick={() => easel.set({ mode })}
        >
          {label}
        </button>
      ))}
      <button
        type="button"
        className="labkit-Button"
        aria-pressed={settings.kind === 'area'}
        title={trans.__(
          'Draw annotated areas: inside of one, what has no object is background'
        )}
        onClick={() =>
          easel.set({ kind: settings.kind === 'area' ? 'object' : 'area' })
        }
      >
        {trans.__('Area')}
      </button>
    </div>
  );
}
