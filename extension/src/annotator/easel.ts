/** What the hand does with the tools: gestures, choosing, keys; what is drawn meanwhile. */

import { type ISignal, Signal } from '@lumino/signaling';

import { Clipboard } from './clipboard';
import type { IItem } from './displaylist';
import { Gesture, type IHandEvent, type Preview } from './gestures';
import { colourOf, type ILook } from './painter';
import type { IHandTarget } from './pointer';
import {
  drawBrush,
  drawCrosshair,
  drawHandles,
  drawPreview,
  type IPen
} from './preview';
import type { IClass, IGestureSettings, Place } from './protocol';
import { recoloured } from './palettes';
import type { AnnotatorSession } from './session';
import { DEFAULTS, type ISettings } from './settings';
import type { Sight } from './sight';
import type { IScenery, Stage } from './stage';
import { clamp, type Viewport } from './viewport';

const REACH_PX = 6; // of the screen
const MOST_RADIUS_PX = 500;

/** A gesture that was sent and not answered: shown as it was drawn. */
interface IPending {
  readonly preview: Preview;
  readonly pen: IPen;
}

/** Joins the hand with stage and session. */
export class Easel implements IHandTarget, IScenery {
  constructor(
    readonly session: AnnotatorSession,
    private readonly _classes: ReadonlyArray<IClass>,
    readonly sight: Sight
  ) {
    this._settings = { ...DEFAULTS, classId: _classes[0]?.id ?? null };
    this._gesture = this._newGesture();
    session.answered.connect((_, number) => {
      this._pending.delete(number);
      this._stage?.repaintOverlay();
    });
    session.changed.connect(() => this._repaintIfOther());
    session.copied.connect((_, text) => this.clipboard.keep(text));
    sight.changed.connect(() => {
      this._changed.emit();
      this._stage?.repaint();
    });
  }

  /** The classes, in the colours that are chosen. */
  get classes(): ReadonlyArray<IClass> {
    const { scheme } = this.sight.settings;
    if (this._recoloured?.[0] !== scheme) {
      this._recoloured = [scheme, recoloured(this._classes, scheme)];
    }
    return this._recoloured[1];
  }

  readonly clipboard = new Clipboard();

  /** Where all is painted; there is none before the canvases are made. */
  set stage(stage: Stage) {
    this._stage = stage;
    this._gesture = this._newGesture();
  }

  get settings(): ISettings {
    return this._settings;
  }

  /** A setting is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  set(change: Partial<ISettings>): void {
    this._settings = { ...this._settings, ...change };
    if (change.tool !== undefined) {
      this.giveUp();
    }
    if (change.radius !== undefined) {
      const radius = clamp(change.radius, 0.5, MOST_RADIUS_PX);
      this._settings = { ...this._settings, radius };
    }
    this._changed.emit();
    this._stage?.repaint();
  }

  /** Use a class from now on, and for what is chosen. */
  chooseClass(classId: number | null): void {
    this.set({ classId });
    const ids = this.session.chosen
      .filter(({ head }) => head.kind !== 'area' && head.class_id !== classId)
      .map(item => item.head.id);
    if (ids.length > 0) {
      this.session.command('set_class', ids, { class_id: classId });
    }
  }

  /** Choose objects, and bring the first into sight. */
  choose(ids: ReadonlyArray<string>): void {
    this.session.selection = ids;
    const [first] = this.session.chosen;
    if (first !== undefined && !this.sight.isInPlane(first.head)) {
      this.sight.set({ z: first.head.z });
    }
    if (first !== undefined && this._stage !== null) {
      this._stage.show(this._stage.view.showing(first.box));
    }
  }

  /** Put what is chosen into the clipboard; where nothing is, it keeps what it has. */
  copy(): void {
    if (this.session.selection.length > 0) {
      this.clipboard.expect();
      this.session.copy();
    }
  }

  /** Add what the clipboard holds, or what a paste of the browser brought. */
  async paste(brought?: string): Promise<void> {
    const { clipboard } = this;
    const text = await (brought === undefined
      ? clipboard.read()
      : clipboard.pasted(brought));
    if (text !== '') {
      this.session.command('paste', [], { text });
    }
  }

  get isDrawing(): boolean {
    return this._gesture.isOpen;
  }

  // what the pointer reports

  get view(): Viewport {
    return this._ready.view;
  }

  get density(): number {
    return this._ready.density;
  }

  /** Whether dragging moves the picture; set while Space is held. */
  pans = false;

  holdsGround(place: Place): boolean {
    const { tool } = this._settings;
    const isTaken = this.session.list.at(place, this._reach) !== undefined;
    return ['select', 'edit'].includes(tool) && !isTaken;
  }

  takeBack(): void {
    this._gesture.takeBack();
    if (!this._gesture.isOpen) {
      this.giveUp();
    }
    this._stage?.repaintOverlay();
  }

  hand(event: IHandEvent): void {
    switch (this._gesture.feed(event)) {
      case 'whole':
        this._send();
        break;
      case 'nothing':
        this.giveUp();
        break;
      case 'open':
        break;
    }
    this._stage?.repaintOverlay();
  }

  hover(place: Place | null): void {
    this._hover = place;
    this._cross = null;
    this._stage?.repaintOverlay();
  }

  pan(dy: number, dx: number): void {
    this._ready.show(this.view.panned(dy, dx));
  }

  zoom(factor: number, at?: Place): void {
    this._ready.show(this.view.zoomed(factor, at));
  }

  giveUp(): void {
    this._gesture = this._newGesture();
    this._stage?.repaintOverlay();
  }

  // drawing without a pointer

  /** Move the crosshair by pixels of the screen; it begins in the middle. */
  moveCrosshair(dy: number, dx: number): void {
    const step = this.density / this.view.zoom;
    const [y, x] = this._cross ?? this.view.centre;
    this._cross = [y + dy * step, x + dx * step];
    this._keyHand('move');
    const [cy, cx] = this._cross;
    this._ready.show(this.view.showing({ y0: cy, x0: cx, y1: cy, x1: cx }));
  }

  /** What a click at the crosshair would do: a vertex, or one end of a drag. */
  press(): void {
    const { tool } = this._settings;
    const isDrag = !['polygon', 'point', 'assist'].includes(tool);
    if (this._cross === null || (isDrag && this._gesture.isHeld)) {
      this._keyHand('up');
      return;
    }
    this._keyHand('down');
    if (!isDrag) {
      this._keyHand('up');
    }
  }

  /** A key that belongs to an open gesture. */
  keyInGesture(key: 'Enter' | 'Backspace'): void {
    const [y, x] = this._cross ?? this._hover ?? this.view.centre;
    this.hand({ kind: 'key', y, x, modifiers: 0, key });
  }

  // what the stage paints

  get items(): ReadonlyArray<IItem> {
    return this.session.list.items;
  }

  get chosen(): ReadonlyArray<IItem> {
    return this.session.chosen;
  }

  look(density: number): ILook {
    const { colourBy, hidesAll, opacity, scheme, style, z } =
      this.sight.settings;
    return {
      classes: this.classes,
      hidden: this._settings.hidden,
      style,
      opacity,
      objectScheme: colourBy === 'object' ? scheme : null,
      plane: z,
      hidesAll,
      density
    };
  }

  get maskKey(): string {
    const { scheme } = this.sight.settings;
    return `${this.session.list.revision} ${scheme}`;
  }

  drawOverlay(context: CanvasRenderingContext2D, view: Viewport): void {
    const pen = this._pen;
    for (const pending of this._pending.values()) {
      drawPreview(context, view, pending.preview, pending.pen);
    }
    const { tool } = this._settings;
    const [only, ...others] = this.chosen;
    if (tool === 'edit' && only !== undefined && others.length === 0) {
      const colour = colourOf(only.head.class_id, this.classes);
      drawHandles(context, view, only, { ...pen, colour });
    }
    const preview = this._gesture.preview;
    if (preview !== null) {
      drawPreview(context, view, preview, pen);
    }
    const place = this._hover ?? this._cross;
    if ((tool === 'brush' || tool === 'eraser') && place !== null) {
      drawBrush(context, view, place, pen);
    }
    if (this._cross !== null) {
      drawCrosshair(context, view, this._cross, pen);
    }
    this.drawAbove(context, view);
  }

  /** Saving changes nothing that is painted. */
  private _repaintIfOther(): void {
    const { items } = this.session.list;
    const { selection } = this.session;
    if (
      items !== this._painted.items ||
      selection !== this._painted.selection
    ) {
      this._painted = { items, selection };
      this._stage?.repaint();
    }
  }

  /** Draws above everything else: the pins of comments. */
  drawAbove = (_context: CanvasRenderingContext2D, _view: Viewport): void =>
    undefined;

  private _keyHand(kind: 'down' | 'move' | 'up'): void {
    if (this._cross !== null) {
      const [y, x] = this._cross;
      this.hand({ kind, y, x, modifiers: 0 });
    }
  }

  private _send(): void {
    const gesture = this._gesture;
    const number = this.session.gesture(
      this._sent,
      gesture.keys,
      gesture.pack()
    );
    const preview = gesture.preview;
    if (preview !== null && preview.kind !== 'frame') {
      this._pending.set(number, { preview, pen: this._pen });
    }
    this.giveUp();
  }

  private get _sent(): IGestureSettings {
    const { tool, mode, kind, classId, radius, assistant } = this._settings;
    return {
      tool,
      mode,
      kind,
      class_id: classId,
      radius_px: radius,
      z: this.sight.planeOfNew,
      plane: this.sight.settings.z,
      selection: this.session.selection,
      reach_px: this._reach,
      zoom: this.view.zoom / this.density,
      assistant
    };
  }

  private get _pen(): IPen {
    const { classId, kind, radius } = this._settings;
    const colour = colourOf(classId, this.classes);
    return {
      colour: kind === 'area' ? '#ffffff' : colour,
      radius,
      density: this._stage?.density ?? 1,
      chosen: this.chosen
    };
  }

  private get _reach(): number {
    return this._stage === null
      ? REACH_PX
      : (REACH_PX * this.density) / this.view.zoom;
  }

  private _newGesture(): Gesture {
    return new Gesture(
      this._settings.tool,
      () => this._reach,
      place => this._takeHold(place)
    );
  }

  /** Choose what is at a place; returns whether there is anything. */
  private _takeHold(place: Place): boolean {
    const hit = this.session.list.at(place, this._reach, head =>
      this.sight.isInPlane(head)
    );
    if (hit !== undefined && !this.session.selection.includes(hit.head.id)) {
      this.session.selection = [hit.head.id];
    }
    return hit !== undefined;
  }

  private get _ready(): Stage {
    if (this._stage === null) {
      throw new Error('The canvases are not made yet.');
    }
    return this._stage;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _pending = new Map<number, IPending>();
  private _recoloured: [string, ReadonlyArray<IClass>] | null = null;
  private _painted: {
    readonly items: ReadonlyArray<IItem>;
    readonly selection: ReadonlyArray<string>;
  } = { items: [], selection: [] };
  private _stage: Stage | null = null;
  private _settings: ISettings;
  private _gesture: Gesture;
  private _hover: Place | null = null;
  private _cross: Place | null = null; // where keys draw
}
