/** Listens to mouse, pen and fingers on the overlay, and tells what they do in pixels of the picture. */

import type { IDisposable } from '@lumino/disposable';

import { ALT, CTRL, type IHandEvent, SHIFT } from './gestures';
import type { Place } from './protocol';
import type { Viewport } from './viewport';

const WHEEL_LINE_PX = 16;
const MEANT_PX = 24; // of the screen: a finger that has drawn so far has meant it, even if another one follows

/** What the pointer layer reports to. */
export interface IHandTarget {
  readonly view: Viewport;
  /** Canvas pixels for each CSS pixel. */
  readonly density: number;
  /** Whether dragging moves the picture instead of drawing. */
  readonly pans: boolean;
  hand(event: IHandEvent): void;
  hover(place: Place | null): void;
  pan(dy: number, dx: number): void;
  zoom(factor: number, at: Place): void;
  /** Whether a place is ground that a finger may drag, instead of something to choose or draw on. */
  holdsGround(place: Place): boolean;
  /** A second finger came: what the first has begun is no gesture; earlier vertices stay. */
  takeBack(): void;
}

const EVENTS = [
  'pointerdown',
  'pointermove',
  'pointerup',
  'pointercancel',
  'pointerleave',
  'lostpointercapture',
  'dblclick',
  'wheel',
  'contextmenu'
] as const;

/** Joins a canvas with whoever takes what the hand does on it. */
export class PointerLayer implements IDisposable {
  constructor(
    private readonly _node: HTMLCanvasElement,
    private readonly _target: IHandTarget
  ) {
    for (const type of EVENTS) {
      _node.addEventListener(type, this, { passive: false });
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    for (const type of EVENTS) {
      this._node.removeEventListener(type, this);
    }
  }

  handleEvent(event: Event): void {
    switch (event.type) {
      case 'pointerdown':
        return this._down(event as PointerEvent);
      case 'pointermove':
        return this._move(event as PointerEvent);
      case 'pointerup':
      case 'pointercancel':
      case 'lostpointercapture':
        return this._up(event as PointerEvent);
      case 'pointerleave':
        return this._target.hover(null);
      case 'dblclick':
        return this._tell('double', event as MouseEvent);
      case 'wheel':
        return this._wheel(event as WheelEvent);
      case 'contextmenu':
        return event.preventDefault();
    }
  }

  private _down(event: PointerEvent): void {
    this._node.focus({ preventScroll: true });
    this._isPenSeen ||= event.pointerType === 'pen';
    if (this._isPalm(event)) {
      return;
    }
    const here = this._placeOf(event);
    this._node.setPointerCapture(event.pointerId);
    this._fingers.set(event.pointerId, here);
    if (this._fingers.size > 1) {
      this._beginPinch(here);
    } else if (this._dragsGround(event, here)) {
      event.preventDefault();
      this._doing = 'pan';
    } else if (event.button === 0) {
      this._doing = 'draw';
      this._start = here;
      this._tell('down', event);
    }
  }

  /** A hand that rests on the glass while its pen draws. */
  private _isPalm(event: PointerEvent): boolean {
    return (
      event.pointerType === 'touch' &&
      this._doing === 'draw' &&
      this._drawsWith === 'pen'
    );
  }

  /** Middle button, Space, and a finger that has nothing to draw or leaves that to the pen. */
  private _dragsGround(event: PointerEvent, here: Place): boolean {
    this._drawsWith = event.pointerType;
    if (event.button === 1 || (event.button === 0 && this._target.pans)) {
      return true;
    }
    const place = this._target.view.toPicture(here);
    return (
      event.pointerType === 'touch' &&
      (this._isPenSeen || this._target.holdsGround(place))
    );
  }

  /** Two fingers move the picture: a stroke that was under way is kept as far as it went, a mere touch is taken back. */
  private _beginPinch(here: Place): void {
    if (this._doing === 'draw') {
      const [first] = this._fingers.values();
      const [y, x] = first ?? here;
      const length = Math.hypot(y - this._start[0], x - this._start[1]);
      if (length > MEANT_PX * this._target.density) {
        this._tellAt('up', [y, x], 0);
      } else {
        this._target.takeBack();
      }
    }
    this._doing = 'pinch';
  }

  private _move(event: PointerEvent): void {
    const before = this._fingers.get(event.pointerId);
    if (before === undefined && this._fingers.size > 0) {
      return; // a palm, or another pointer than the one that draws
    }
    const here = this._placeOf(event);
    this._target.hover(this._target.view.toPicture(here));
    if (this._doing === 'pinch' && before !== undefined) {
      this._pinch(event.pointerId, before, here);
    } else if (this._doing === 'pan' && before !== undefined) {
      this._target.pan(here[0] - before[0], here[1] - before[1]);
    } else if (this._doing === 'draw' || before === undefined) {
      const coalesced = event.getCoalescedEvents();
      for (const one of coalesced.length > 0 ? coalesced : [event]) {
        this._tell('move', one);
      }
    }
    if (before !== undefined) {
      this._fingers.set(event.pointerId, here);
    }
  }

  /** Letting go; a stroke that the system breaks off ends where it was seen last. */
  private _up(event: PointerEvent): void {
    const last = this._fingers.get(event.pointerId);
    if (last === undefined) {
      return; // the capture that is lost after each release
    }
    this._fingers.delete(event.pointerId);
    if (this._doing === 'draw') {
      const here = event.type === 'pointerup' ? this._placeOf(event) : last;
      this._tellAt('up', here, modifiersOf(event));
    }
    if (this._fingers.size === 0) {
      this._doing = 'nothing';
    }
  }

  private _pinch(id: number, before: Place, here: Place): void {
    const other = [...this._fingers].find(([key]) => key !== id)?.[1];
    if (other === undefined) {
      return;
    }
    const length = (a: Place): number =>
      Math.max(Math.hypot(a[0] - other[0], a[1] - other[1]), 1);
    this._target.pan((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    const middle: Place = [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2];
    this._target.zoom(length(here) / length(before), middle);
  }

  private _wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE;
    const delta = event.deltaY * (unit ? WHEEL_LINE_PX : 1);
    const speed = event.ctrlKey ? 0.01 : 0.002; // a pinch on a touchpad comes as small steps with "ctrl"
    this._target.zoom(Math.exp(-delta * speed), this._placeOf(event));
  }

  private _tell(kind: IHandEvent['kind'], event: MouseEvent): void {
    this._tellAt(kind, this._placeOf(event), modifiersOf(event));
  }

  private _tellAt(
    kind: IHandEvent['kind'],
    place: Place,
    modifiers: number
  ): void {
    const [y, x] = this._target.view.toPicture(place);
    this._target.hand({ kind, y, x, modifiers });
  }

  /** Pixels of the canvas. */
  private _placeOf(event: MouseEvent): Place {
    const area = this._node.getBoundingClientRect();
    const { density } = this._target;
    return [
      (event.clientY - area.top) * density,
      (event.clientX - area.left) * density
    ];
  }

  private readonly _fingers = new Map<number, Place>();
  private _isPenSeen = false; // then fingers move the picture
  private _drawsWith = '';
  private _start: Place = [0, 0];
  private _doing: 'nothing' | 'draw' | 'pan' | 'pinch' = 'nothing';
  private _isDisposed = false;
}

function modifiersOf(event: MouseEvent): number {
  return (
    (event.shiftKey ? SHIFT : 0) +
    (event.ctrlKey || event.metaKey ? CTRL : 0) +
    (event.altKey ? ALT : 0)
  );
}
