/** How channels are shown: which values become dark and bright, and in which colour. */

import type { IPicture } from './protocol';

export interface IChannelView {
  readonly channel: number;
  readonly shown: boolean;
  readonly start: number;
  readonly end: number;
  /** Six hex digits. */
  readonly colour: string;
}

/** The ends of a slider. */
export interface IRange {
  readonly least: number;
  readonly most: number;
  readonly step: number;
}

/** Whether the picture is red, green and blue: it has one window for all three. */
export function isColour({ channels }: IPicture): boolean {
  const colours = channels.map(item => item.colour.toUpperCase()).join();
  return colours === 'FF0000,00FF00,0000FF';
}

/** Channels as the image itself says. */
export function usualChannels(picture: IPicture): IChannelView[] {
  return picture.channels.map(item => ({ ...item, shown: true }));
}

/** The view as a tile's address says it; null where it is what the image itself says. */
export function viewText(
  channels: ReadonlyArray<IChannelView>,
  picture: IPicture
): string | null {
  const text = textOf(channels);
  return text === textOf(usualChannels(picture)) ? null : text;
}

function textOf(channels: ReadonlyArray<IChannelView>): string {
  const shown = channels.filter(item => item.shown);
  if (shown.length === 0) {
    return '0:0:1:000000'; // a picture without channels is black
  }
  return shown
    .map(
      ({ channel, start, end, colour }) =>
        `${channel}:${start}:${end}:${colour.toUpperCase()}`
    )
    .join(',');
}

/** The values that a pixel can have; fractions have no end. */
export function rangeOfType(dtype: string): IRange | null {
  const match = /^(u?)int(8|16|32|64)$/.exec(dtype);
  if (match === null) {
    return null;
  }
  const bits = Number(match[2]);
  const isSigned = match[1] === '';
  const least = isSigned ? -(2 ** (bits - 1)) : 0;
  return { least, most: least + 2 ** bits - 1, step: 1 };
}

/**
 * What a slider of this channel runs over: all values of 8 bits; of more bits the least power of two that leaves twice as much room as
 * the image itself shows, because most cameras use little of the range; of fractions one window more to either side.
 */
export function sliderRange(
  picture: IPicture,
  { channel, start, end }: IChannelView
): IRange {
  const usual = picture.channels[channel] ?? { start: 0, end: 1 };
  const type = rangeOfType(picture.dtype);
  if (type === null) {
    const width = usual.end - usual.start;
    return {
      least: Math.min(usual.start - width, start),
      most: Math.max(usual.end + width, end),
      step: width / 500
    };
  }
  const room = 2 ** Math.ceil(Math.log2(Math.max(2 * usual.end, 255))) - 1;
  return {
    least: Math.min(usual.start < 0 ? 2 * usual.start : 0, start),
    most: Math.max(Math.min(room, type.most), end),
    step: 1
  };
}

/** A window with its start changed, or its end: the other end gives way, so that the start stays below. */
export function changedWindow(
  { start, end }: { start: number; end: number },
  change: { start?: number; end?: number },
  step: number
): { start: number; end: number } {
  if (change.start !== undefined) {
    return { start: change.start, end: Math.max(end, change.start + step) };
  }
  const last = change.end ?? end;
  return { start: Math.min(start, last - step), end: last };
}
