/** The buttons above the picture. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Easel } from './easel';
import { FINISHED } from './keys';
import type { DrawMode } from './protocol';
import { describe, TOOLS } from './tools';

export interface IToolbarProps {
  readonly easel: Easel;
  readonly trans: TranslationBundle;
}

export function Toolbar(props: IToolbarProps): React.JSX.Element {
  const { easel } = props;
  return (
    <UseSignal signal={easel.changed}>
      {() => (
        <UseSignal signal={easel.session.changed}>
          {() => (
            <>
              <Tools {...props} />
              <Modes {...props} />
              <Actions {...props} />
            </>
          )}
        </UseSignal>
      )}
    </UseSignal>
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
      {paints && (
        <label
          className="labkit-Annotator-radius"
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

function Actions({ easel, trans }: IToolbarProps): React.JSX.Element {
  const { session, sight } = easel;
  const fills = ['both', 'fill'].includes(sight.settings.style);
  const isFinished = session.completedTasks.includes(FINISHED);
  const count = session.selection.length;
  return (
    <div role="group" aria-label={trans.__('Actions')}>
      <button
        type="button"
        className="labkit-Button"
        disabled={!session.canUndo}
        title={trans.__('Undo (Ctrl+Z)')}
        onClick={() => session.command('undo')}
      >
        {trans.__('Undo')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        disabled={!session.canRedo}
        title={trans.__('Redo (Ctrl+Shift+Z)')}
        onClick={() => session.command('redo')}
      >
        {trans.__('Redo')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        disabled={count === 0}
        title={trans.__('Delete what is chosen (Delete)')}
        onClick={() => session.command('delete', session.selection)}
      >
        {trans.__('Delete')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        disabled={count < 2}
        title={trans.__('Make one object of those that are chosen')}
        onClick={() => session.command('merge', session.selection)}
      >
        {trans.__('Merge')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        aria-pressed={fills}
        title={trans.__('Fill objects with their colour')}
        onClick={() => easel.sight.set({ style: fills ? 'outline' : 'both' })}
      >
        {trans.__('Fill')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        aria-pressed={isFinished}
        title={trans.__('Everything in this picture is annotated (F)')}
        onClick={() =>
          session.command('set_task', [], {
            task: FINISHED,
            completed: !isFinished
          })
        }
      >
        {trans.__('Finished')}
      </button>
    </div>
  );
}
