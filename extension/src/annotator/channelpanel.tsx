/** Which channels are seen, in which colour, and which of their values are dark and bright. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import {
  changedWindow,
  type IChannelView,
  isColour,
  rangeOfType,
  sliderRange,
  usualChannels
} from './channels';
import { NumberField, Slider } from './numberfield';
import type { Sight } from './sight';

export interface IChannelPanelProps {
  readonly sight: Sight;
  /** Windows of what is seen, one for each channel. */
  readonly readWindows: () => Promise<
    ReadonlyArray<{ start: number; end: number }>
  >;
  readonly trans: TranslationBundle;
}

export function ChannelPanel(props: IChannelPanelProps): React.JSX.Element {
  const { sight, readWindows, trans } = props;
  const [fault, setFault] = React.useState('');
  const auto = async (): Promise<void> => {
    try {
      setFault('');
      setWindows(sight, await readWindows());
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <fieldset>
      <legend>
        {isColour(sight.picture)
          ? trans.__('Brightness')
          : trans.__('Channels')}
      </legend>
      {isColour(sight.picture) ? (
        <ColourWindow {...props} />
      ) : (
        sight.settings.channels.map(item => (
          <Channel key={item.channel} {...props} item={item} />
        ))
      )}
      <div className="labkit-Annotator-row">
        <button
          type="button"
          className="labkit-Button"
          title={trans.__('Fit to the values of what is seen now')}
          onClick={() => void auto()}
        >
          {trans.__('Auto')}
        </button>
        <button
          type="button"
          className="labkit-Button"
          title={trans.__('As the image itself says')}
          onClick={() => sight.set({ channels: usualChannels(sight.picture) })}
        >
          {trans.__('Reset')}
        </button>
      </div>
      {fault !== '' && <p role="alert">{fault}</p>}
    </fieldset>
  );
}

/** Of a colour picture: one window, so that white stays white. */
function ColourWindow({ sight, trans }: IChannelPanelProps): React.JSX.Element {
  const [first] = sight.settings.channels;
  if (first === undefined) {
    return <></>;
  }
  return (
    <Window
      item={first}
      name=""
      sight={sight}
      trans={trans}
      onChange={window =>
        sight.set({
          channels: sight.settings.channels.map(item => ({
            ...item,
            ...window
          }))
        })
      }
    />
  );
}

function Channel({
  item,
  sight,
  trans
}: IChannelPanelProps & { readonly item: IChannelView }): React.JSX.Element {
  const { channel } = item;
  const name =
    sight.picture.channel_names[channel] || trans.__('channel %1', channel + 1);
  return (
    <div className="labkit-Annotator-channel">
      <div className="labkit-Annotator-row">
        <label>
          <input
            type="checkbox"
            checked={item.shown}
            onChange={() => sight.setChannel(channel, { shown: !item.shown })}
          />
          {name}
        </label>
        <input
          type="color"
          aria-label={trans.__('Colour of %1', name)}
          value={`#${item.colour.toLowerCase()}`}
          onChange={event =>
            sight.setChannel(channel, { colour: event.target.value.slice(1) })
          }
        />
      </div>
      <Window
        item={item}
        name={name}
        sight={sight}
        trans={trans}
        onChange={window => sight.setChannel(channel, window)}
      />
    </div>
  );
}

interface IWindowProps {
  readonly item: IChannelView;
  readonly name: string;
  readonly sight: Sight;
  readonly trans: TranslationBundle;
  readonly onChange: (window: { start: number; end: number }) => void;
}

/** Two numbers and two sliders. */
function Window(props: IWindowProps): React.JSX.Element {
  const { item, name, sight, trans, onChange } = props;
  const slider = sliderRange(sight.picture, item);
  const typed = rangeOfType(sight.picture.dtype) ?? {
    least: -Number.MAX_VALUE,
    most: Number.MAX_VALUE
  };
  const ends = [
    ['start', trans.__('Darkest value %1', name).trim()],
    ['end', trans.__('Brightest value %1', name).trim()]
  ] as const;
  return (
    <>
      {ends.map(([end, label]) => {
        const change = (value: number): void =>
          onChange(changedWindow(item, { [end]: value }, slider.step));
        const shared = { label, value: item[end], onChange: change };
        return (
          <div className="labkit-Annotator-row" key={end}>
            <Slider {...shared} {...slider} />
            <NumberField {...shared} {...slider} {...typed} />
          </div>
        );
      })}
    </>
  );
}

function setWindows(
  sight: Sight,
  windows: ReadonlyArray<{ start: number; end: number }>
): void {
  const common = {
    start: Math.min(...windows.map(item => item.start)),
    end: Math.max(...windows.map(item => item.end))
  };
  const isOne = isColour(sight.picture);
  sight.set({
    channels: sight.settings.channels.map(item => ({
      ...item,
      ...(isOne ? common : windows[item.channel])
    }))
  });
}
