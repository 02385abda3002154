/** Tabs within a tab, by mouse and by arrow keys. */

import * as React from 'react';

export function Tabs<Value extends string>(props: {
  /** What the tabs are of; it keeps their ids apart from others. */
  readonly name: string;
  readonly label: string;
  readonly value: Value;
  readonly tabs: ReadonlyArray<readonly [value: Value, label: string]>;
  readonly onChange: (value: Value) => void;
}): React.JSX.Element {
  const { name, onChange, tabs, value } = props;
  const list = React.useRef<HTMLDivElement>(null);
  const step = (by: number): void => {
    const at = tabs.findIndex(([one]) => one === value);
    const next = (at + by + tabs.length) % tabs.length;
    const found = tabs[next];
    if (found !== undefined) {
      onChange(found[0]);
      list.current?.querySelectorAll('button')[next]?.focus();
    }
  };
  return (
    <div
      ref={list}
      className="labkit-Tabs"
      role="tablist"
      aria-label={props.label}
      onKeyDown={event => {
        if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
          step(event.key === 'ArrowRight' ? 1 : -1);
          event.preventDefault();
        }
      }}
    >
      {tabs.map(([one, label]) => (
        <button
          key={one}
          type="button"
          role="tab"
          id={tabId(name, one)}
          aria-controls={panelId(name, one)}
          aria-selected={one === value}
          tabIndex={one === value ? 0 : -1}
          onClick={() => onChange(one)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** What stands under the tab that is shown. */
export function TabPanel(
  props: React.PropsWithChildren<{
    readonly name: string;
    readonly value: string;
  }>
): React.JSX.Element {
  const { name, value } = props;
  return (
    <div
      role="tabpanel"
      id={panelId(name, value)}
      aria-labelledby={tabId(name, value)}
    >
      {props.children}
    </div>
  );
}

function tabId(name: string, value: string): string {
  return `labkit-${name}-tab-${value}`;
}

function panelId(name: string, value: string): string {
  return `labkit-${name}-panel-${value}`;
}
