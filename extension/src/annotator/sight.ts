/** What of the picture is shown, and how: planes, channels, the look of objects. Kept by this browser for each image. */

import { type ISignal, Signal } from '@lumino/signaling';

import {
  type IChannelView,
  isColour,
  usualChannels,
  viewText
} from './channels';
import { SCHEMES, type SchemeName } from './palettes';
import type { IObjectHead, IPicture } from './protocol';
import { clamp } from './viewport';

export const STYLES = ['both', 'outline', 'fill', 'points'] as const;
export type ObjectStyle = (typeof STYLES)[number];

/** What can be set. */
export interface ISightSettings {
  /** Plane and frame that are seen; null where the picture has no such axis. */
  readonly z: number | null;
  readonly t: number | null;
  /** Whether what is drawn lies in all planes, not in the one that is seen. */
  readonly allPlanes: boolean;
  readonly channels: ReadonlyArray<IChannelView>;
  readonly opacity: number;
  readonly style: ObjectStyle;
  readonly colourBy: 'class' | 'object';
  readonly scheme: SchemeName;
  /** Whether the picture is seen without objects; forgotten with the page, so that none seem lost. */
  readonly hidesAll: boolean;
  /** Whether the mask is seen as training sees it. */
  readonly mask: boolean;
  readonly overview: boolean;
  readonly panel: boolean;
}

/** The settings of one image. */
export class Sight {
  /**
   * @param scope - Names the image among all that this browser knows.
   */
  constructor(
    readonly picture: IPicture,
    scope: string,
    private readonly _storage: Storage = window.localStorage
  ) {
    this._key = `labkit-annotator:sight:${scope}`;
    this._settings = this._restored();
  }

  /** A setting is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get settings(): ISightSettings {
    return this._settings;
  }

  set(change: Partial<ISightSettings>): void {
    this._settings = { ...this._settings, ...change };
    const { hidesAll, ...kept } = this._settings;
    try {
      this._storage.setItem(this._key, JSON.stringify(kept));
    } catch (error) {
      console.warn('How the picture is shown cannot be kept.', error);
    }
    this._changed.emit();
  }

  setChannel(channel: number, change: Partial<IChannelView>): void {
    this.set({
      channels: this._settings.channels.map(item =>
        item.channel === channel ? { ...item, ...change } : item
      )
    });
  }

  /** Go along an axis of the stack; returns whether there is one. */
  step(axis: 'z' | 't', by: number): boolean {
    const at = this._settings[axis];
    const length = this.picture.stack[axis];
    if (at === null || length === undefined) {
      return false;
    }
    this.set({ [axis]: clamp(at + by, 0, length - 1) });
    return true;
  }

  /** Names the tiles of what is seen: the same text, the same pixels. */
  get tileKey(): string {
    return JSON.stringify(this.tileQuery);
  }

  /** What a tile's address says besides its place; null leaves out. */
  get tileQuery(): { view: string | null; z: number | null; t: number | null } {
    const { channels, z, t } = this._settings;
    return { view: viewText(channels, this.picture), z, t };
  }

  /** Where what is drawn lies; null is all planes. */
  get planeOfNew(): number | null {
    return this._settings.allPlanes ? null : this._settings.z;
  }

  /** Whether an object lies in the plane that is seen. */
  isInPlane(head: IObjectHead): boolean {
    const { z } = this._settings;
    return z === null || head.z === null || head.z === z;
  }

  private _restored(): ISightSettings {
    const usual = usualSettings(this.picture);
    try {
      const kept: unknown = JSON.parse(this._storage.getItem(this._key) ?? '');
      return {
        ...usual,
        ...sound(kept as Partial<ISightSettings>, usual, this.picture)
      };
    } catch {
      return usual; // nothing is kept, or something that is not ours
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _key: string;
  private _settings: ISightSettings;
}

/** The middle plane, the first frame, channels as the image says. */
export function usualSettings(picture: IPicture): ISightSettings {
  const { z, t } = picture.stack;
  const isMany = picture.channels.length > 1 && !isColour(picture);
  return {
    z: z === undefined ? null : Math.floor(z / 2),
    t: t === undefined ? null : 0,
    allPlanes: false,
    channels: usualChannels(picture),
    opacity: 1,
    style: 'both',
    colourBy: 'class',
    scheme: 'project',
    hidesAll: false,
    mask: false,
    overview: true,
    panel: z !== undefined || t !== undefined || isMany
  };
}

/** What is sound of settings that were kept, maybe by another version or for a picture that was replaced. */
function sound(
  kept: Partial<ISightSettings>,
  usual: ISightSettings,
  picture: IPicture
): Partial<ISightSettings> {
  const found: Record<string, unknown> = {};
  const take = (name: keyof ISightSettings, isSound: boolean): void => {
    if (isSound) {
      found[name] = kept[name];
    }
  };
  for (const name of ['allPlanes', 'mask', 'overview', 'panel'] as const) {
    take(name, typeof kept[name] === 'boolean');
  }
  for (const axis of ['z', 't'] as const) {
    const at = kept[axis] ?? NaN;
    const length = picture.stack[axis] ?? 0;
    take(axis, Number.isInteger(at) && at >= 0 && at < length);
  }
  take('opacity', Number(kept.opacity) >= 0 && Number(kept.opacity) <= 1);
  take(
    'style',
    STYLES.some(style => style === kept.style)
  );
  take('colourBy', kept.colourBy === 'class' || kept.colourBy === 'object');
  take(
    'scheme',
    SCHEMES.some(scheme => scheme === kept.scheme)
  );
  take('channels', areChannels(kept.channels, usual.channels));
  return found as Partial<ISightSettings>;
}

function areChannels(
  kept: unknown,
  usual: ReadonlyArray<IChannelView>
): boolean {
  return (
    Array.isArray(kept) &&
    kept.length === usual.length &&
    kept.every(
      (item: Partial<IChannelView> | null, k) =>
        item?.channel === usual[k]?.channel &&
        Number.isFinite(item?.start) &&
        Number.isFinite(item?.end) &&
        typeof item?.shown === 'boolean' &&
        /^[0-9a-f]{6}$/i.test(String(item.colour))
    )
  );
}
