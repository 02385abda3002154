/** Tabs within a tab, by mouse and by arrow keys. */

import * as React from 'react';

export function Tabs<Value extends string>(props: {
  readonly label: string;
  readonly value: Value;
  readonly tabs: ReadonlyArray<readonly [value: Value, label: string]>;
  readonly onChange: (value: Value) => void;
}): React.JSX.Element {
  const { onChange, tabs, value } = props;
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
          id={`labkit-tab-${one}`}
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
