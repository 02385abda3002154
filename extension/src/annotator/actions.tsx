/** The buttons that do something to what is chosen; what is rarer stands in a menu. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Easel } from './easel';
import { showHelp } from './help';
import { FINISHED } from './keys';
import type { CommandName } from './protocol';

export interface IActionProps {
  readonly easel: Easel;
  readonly trans: TranslationBundle;
}

interface IAction {
  readonly label: string;
  readonly title: string;
  readonly isOff?: boolean;
  readonly isPressed?: boolean;
  readonly act: () => void;
}

export function Actions({ easel, trans }: IActionProps): React.JSX.Element {
  const { session } = easel;
  const isFinished = session.completedTasks.includes(FINISHED);
  const actions: ReadonlyArray<IAction> = [
    {
      label: trans.__('Undo'),
      title: trans.__('Undo (Ctrl+Z)'),
      isOff: !session.canUndo,
      act: () => session.command('undo')
    },
    {
      label: trans.__('Redo'),
      title: trans.__('Redo (Ctrl+Shift+Z)'),
      isOff: !session.canRedo,
      act: () => session.command('redo')
    },
    {
      label: trans.__('Delete'),
      title: trans.__('Delete what is chosen (Delete)'),
      isOff: session.selection.length === 0,
      act: () => session.command('delete', session.selection)
    },
    {
      label: trans.__('Finished'),
      title: trans.__('Everything in this picture is annotated (F)'),
      isPressed: isFinished,
      act: () =>
        session.command('set_task', [], {
          task: FINISHED,
          completed: !isFinished
        })
    }
  ];
  return (
    <div role="group" aria-label={trans.__('Actions')}>
      {actions.map(action => (
        <ActionButton key={action.label} {...action} />
      ))}
      <More easel={easel} trans={trans} />
      <button
        type="button"
        className="labkit-Button"
        aria-label={trans.__('Tools and keys')}
        title={trans.__('Tools and keys (?)')}
        onClick={() => void showHelp(trans)}
      >
        ?
      </button>
    </div>
  );
}

/** A button that opens a list of buttons; Escape and a click elsewhere close it. */
function More({ easel, trans }: IActionProps): React.JSX.Element {
  const [isOpen, setOpen] = React.useState(false);
  const opener = React.useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    opener.current?.focus();
  };
  return (
    <div
      className="labkit-Annotator-more"
      onBlur={event => {
        if (!event.currentTarget.contains(event.relatedTarget)) {
          setOpen(false);
        }
      }}
      onKeyDown={event => {
        if (isOpen && event.key === 'Escape') {
          event.stopPropagation();
          close();
        }
      }}
    >
      <button
        ref={opener}
        type="button"
        className="labkit-Button"
        aria-expanded={isOpen}
        title={trans.__('Merge, separate, order, copy, paste')}
        onClick={() => setOpen(!isOpen)}
      >
        {trans.__('More')}
      </button>
      {isOpen && (
        <div role="group" aria-label={trans.__('More actions')}>
          {rareActions(easel, trans).map(action => (
            <ActionButton
              key={action.label}
              {...action}
              act={() => {
                action.act();
                close();
              }}
            />
          ))}
        </div>
      )}
    </div>
  );
}

function rareActions(easel: Easel, trans: TranslationBundle): IAction[] {
  const { session, sight } = easel;
  const fills = ['both', 'fill'].includes(sight.settings.style);
  const command = (
    name: CommandName,
    least: number,
    label: string,
    title: string
  ): IAction => ({
    label,
    title,
    isOff: session.selection.length < least,
    act: () => session.command(name, session.selection)
  });
  return [
    command(
      'merge',
      2,
      trans.__('Merge'),
      trans.__('Make one object of those that are chosen')
    ),
    command(
      'separate',
      1,
      trans.__('Separate parts'),
      trans.__('Make an object of each part of what is chosen')
    ),
    command(
      'bring_to_front',
      1,
      trans.__('Bring to front'),
      trans.__('Draw what is chosen above all others')
    ),
    command(
      'send_to_back',
      1,
      trans.__('Send to back'),
      trans.__('Draw what is chosen below all others')
    ),
    {
      label: trans.__('Copy'),
      title: trans.__('Copy what is chosen (Ctrl+C)'),
      isOff: session.selection.length === 0,
      act: () => easel.copy()
    },
    {
      label: trans.__('Paste'),
      title: trans.__('Paste, into another picture too (Ctrl+V)'),
      act: () => void easel.paste()
    },
    {
      label: trans.__('Fill'),
      title: trans.__('Fill objects with their colour'),
      isPressed: fills,
      act: () => easel.sight.set({ style: fills ? 'outline' : 'both' })
    }
  ];
}

function ActionButton(action: IAction): React.JSX.Element {
  return (
    <button
      type="button"
      className="labkit-Button"
      disabled={action.isOff}
      aria-pressed={action.isPressed}
      title={action.title}
      onClick={action.act}
    >
      {action.label}
    </button>
  );
}
