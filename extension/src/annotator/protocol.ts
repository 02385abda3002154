/** Messages between the annotator's widget and its kernel. */

export type Place = readonly [y: number, x: number];

export type ToolName =
  | 'polygon'
  | 'box'
  | 'ellipse'
  | 'point'
  | 'brush'
  | 'eraser'
  | 'select'
  | 'edit'
  | 'split'
  | 'assist';

export type DrawMode = 'new' | 'add' | 'subtract';

/** What is known of the picture; levels are (height, width), the finest first. */
export interface IPicture {
  readonly name: string;
  readonly height_px: number;
  readonly width_px: number;
  readonly levels: ReadonlyArray<readonly [number, number]>;
  readonly tile_px: number;
  readonly version: string;
  readonly pixel_size_um: readonly [number, number] | null;
  /** How the image itself says that its channels are shown. */
  readonly channels: ReadonlyArray<IChannelFacts>;
  readonly channel_names: ReadonlyArray<string>;
  readonly dtype: string;
  readonly role: 'image' | 'labels';
  /** Lengths of the axes of a stack. */
  readonly stack: { readonly z?: number; readonly t?: number };
}

export interface IChannelFacts {
  readonly channel: number;
  readonly start: number;
  readonly end: number;
  readonly colour: string;
}

export interface IClass {
  readonly id: number;
  readonly name: string;
  readonly colour: string;
}

/** An object without its outline. */
export interface IObjectHead {
  readonly id: string;
  readonly kind: 'polygon' | 'box' | 'ellipse' | 'point' | 'mask' | 'area';
  readonly class_id: number | null;
  readonly status: 'accepted' | 'proposed' | 'rejected';
  readonly source: string;
  readonly author: string;
  readonly z: number | null;
}

/** Of an object in a patch: where in the order of drawing it goes. */
export interface IPlacedHead extends IObjectHead {
  readonly place: number;
}

interface IDocumentState {
  readonly revision: number;
  readonly completed_tasks: ReadonlyArray<string>;
  readonly can_undo: boolean;
  readonly can_redo: boolean;
  readonly origin: Place;
}

/** The whole document; its outlines come in three buffers. */
export interface ISceneMessage extends IDocumentState {
  readonly type: 'scene';
  readonly objects: ReadonlyArray<IObjectHead>;
}

/** What changed since `from_revision`; its outlines come in three buffers. */
export interface IPatchMessage extends IDocumentState {
  readonly type: 'patch';
  readonly from_revision: number;
  readonly removed: ReadonlyArray<string>;
  readonly objects: ReadonlyArray<IPlacedHead>;
}

/** A gesture or command is safe on the disk. */
export interface IAckMessage {
  readonly type: 'ack';
  readonly client: string;
  readonly number: number;
  readonly revision: number;
  readonly changed: boolean;
  readonly selection: ReadonlyArray<string> | null;
  /** What a person should know of how it was done. */
  readonly note: string | null;
}

export interface IRefusedMessage {
  readonly type: 'refused';
  readonly client: string;
  readonly number: number;
  readonly message: string;
  readonly hint: string;
  readonly retry: boolean;
  /** Somebody else has changed what it was about. */
  readonly conflict: boolean;
}

export interface ICopiedMessage {
  readonly type: 'copied';
  readonly client: string;
  readonly text: string;
}

export type Attribute = string | number | boolean;

/** What is known of one object beside its outline. */
export interface IDescribedMessage {
  readonly type: 'described';
  readonly client: string;
  readonly id: string;
  readonly created: string;
  readonly area_px: number | null;
  readonly area_um2: number | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What can be chosen in this kernel and project. */
export interface IOptionsMessage {
  readonly type: 'options';
  readonly assistants: ReadonlyArray<string>;
  /** Keys of models, the newest first. */
  readonly models: ReadonlyArray<string>;
}

/** What a model does that was asked for proposals. */
export interface IProposingMessage {
  readonly type: 'proposing';
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'stopped';
  readonly model?: string;
  readonly stage?: string;
  readonly done?: number;
  readonly total?: number;
  readonly count?: number;
  readonly message?: string;
  readonly hint?: string;
}

export type KernelMessage =
  | IDescribedMessage
  | IOptionsMessage
  | IProposingMessage
  | ISceneMessage
  | IPatchMessage
  | IAckMessage
  | IRefusedMessage
  | ICopiedMessage;

/** What is set by hand before a gesture, and when it began. */
export interface IGestureSettings {
  readonly tool: ToolName;
  readonly mode: DrawMode;
  readonly kind: 'object' | 'area';
  readonly class_id: number | null;
  readonly radius_px: number;
  /** Of what is drawn; null is all planes. */
  readonly z: number | null;
  /** Which is seen: objects of others are out of reach. */
  readonly plane: number | null;
  readonly selection: ReadonlyArray<string>;
  readonly reach_px: number;
  /** Pixels of the screen for each pixel of the picture; an assistant looks at what is seen. */
  readonly zoom: number;
  readonly assistant: string;
}

export type CommandName =
  | 'undo'
  | 'redo'
  | 'delete'
  | 'set_class'
  | 'move'
  | 'merge'
  | 'separate'
  | 'bring_to_front'
  | 'send_to_back'
  | 'accept'
  | 'reject'
  | 'set_task'
  | 'set_attributes'
  | 'paste';

export interface ICommandArgs {
  readonly class_id?: number | null;
  readonly dy?: number;
  readonly dx?: number;
  readonly task?: string;
  readonly completed?: boolean;
  readonly text?: string;
  /** New values by name; null takes one away. */
  readonly attributes?: Readonly<Record<string, Attribute | null>>;
}

/** A gesture or command as it is kept until the kernel has it; `client` and `number` are added when it is sent. */
export type Deed =
  | (IGestureSettings & {
      readonly type: 'gesture';
      readonly keys: ReadonlyArray<string>;
    })
  | {
      readonly type: 'command';
      readonly name: CommandName;
      readonly ids: ReadonlyArray<string>;
      readonly args: ICommandArgs;
    };
