// Made from labkit_lab/wire.py by `python -m labkit_lab.typescript`. Do not edit.

/**
 * The values of a channel that become dark and bright.
 */
export interface ChannelWindow {
  readonly channel: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Of each channel: the 1 and 99.8 percentiles of what is seen.
 */
export interface ChannelWindows {
  readonly windows: ReadonlyArray<ChannelWindow>;
}

/**
 * What went wrong (``message``) and what to do next (``hint``).
 */
export interface ErrorBody {
  readonly type: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * The body of every reply that is not a success.
 */
export interface ErrorReply {
  readonly error: ErrorBody;
}

/**
 * One answer to a question, and what it means.
 */
export interface FileOption {
  readonly value: string;
  readonly text: string;
}

/**
 * What a file leaves open, in plain words.
 */
export interface FileQuestion {
  readonly key: string;
  readonly text: string;
  readonly options: ReadonlyArray<FileOption>;
  readonly default: string;
}

/**
 * One image of a project; ``annotated`` if anybody has marked anything in it.
 */
export interface ImageItem {
  readonly id: string;
  readonly name: string;
  readonly height_px: number;
  readonly width_px: number;
  readonly annotated: boolean;
}

/**
 * The images of a project, oldest first.
 */
export interface ImageList {
  readonly images: ReadonlyArray<ImageItem>;
}

/**
 * Arguments of the address of a tile of classes: whose annotations, and the
 * revision that the browser shows.
 *
 * ``revision`` keeps the addresses of two states apart; what is answered is
 * the newest that is stored.
 */
export interface MaskQuery {
  readonly author: string;
  readonly revision: number;
  readonly level: number;
  readonly row: number;
  readonly column: number;
}

/**
 * What is asked for: a new project with this folder name, title and these
 * classes.
 */
export interface NewProject {
  readonly name: string;
  readonly title?: string;
  readonly classes?: ReadonlyArray<string>;
}

/**
 * A file that the browser wants to send; ``relative_path`` lies in the dropped
 * folder, ``last_modified`` is in ms since 1970.
 *
 * The same words find an unfinished upload again.
 */
export interface NewUpload {
  readonly project_id: string;
  readonly name: string;
  readonly relative_path?: string;
  readonly bytes: number;
  readonly last_modified: number;
  readonly role?: 'image' | 'labels';
}

/**
 * Arguments of a piece's address: how many bytes have gone before it.
 */
export interface PieceQuery {
  readonly offset: number;
}

/**
 * One project in the list.
 *
 * ``path`` is absolute; ``browser_path`` is the same folder as the file
 * browser names it, null when it lies outside of what the file browser shows.
 * ``cover_image`` is the id of the image for the thumbnail, null when there is
 * none.
 */
export interface ProjectItem {
  readonly id: string;
  readonly title: string;
  readonly path: string;
  readonly browser_path: string | null;
  readonly images: number;
  readonly annotated_images: number;
  readonly training_sets: number;
  readonly models: number;
  readonly classes: ReadonlyArray<string>;
  readonly cover_image: string | null;
  readonly modified: string;
}

/**
 * The projects of this home, the last modified first.
 *
 * ``folder`` is where they lie; ``lesson`` is the first lesson as the file
 * browser names it, null when it is not there.
 */
export interface ProjectList {
  readonly folder: string;
  readonly lesson: string | null;
  readonly projects: ReadonlyArray<ProjectItem>;
}

/**
 * Arguments of a thumbnail's address: the id of the image (the cover if not
 * said), and its longest side in pixels.
 */
export interface ThumbnailQuery {
  readonly image?: string | null;
  readonly max_px?: number;
}

/**
 * Arguments of a tile's address.
 *
 * ``version`` is that of the image, so that a tile may be kept for ever;
 * ``view`` says how channels are shown (``channel:start:end:RRGGBB,...``), as
 * the image itself says if it is left out; ``z`` and ``t`` choose a plane of a
 * stack.
 */
export interface TileQuery {
  readonly level: number;
  readonly row: number;
  readonly column: number;
  readonly version: string;
  readonly view?: string | null;
  readonly z?: number | null;
  readonly t?: number | null;
}

/**
 * Arguments of the address of several tiles.
 *
 * ``tiles`` names them in the order in which they are to come, as
 * ``level/row/column`` joined by commas, at most 64; ``view``, ``z`` and ``t``
 * are those of `TileQuery`, for all of them. ``ahead`` says that nobody looks
 * at them yet, so that others go first.
 */
export interface TilesQuery {
  readonly tiles: string;
  readonly view?: string | null;
  readonly z?: number | null;
  readonly t?: number | null;
  readonly ahead?: boolean;
}

/**
 * The answers to the questions of a file, by the key of the question; what is
 * left out takes the default.
 */
export interface UploadAnswers {
  readonly answers?: Readonly<Record<string, string>>;
}

/**
 * A file on its way into a project.
 *
 * ``state`` is uploading (``received`` bytes are safe), checking, asks
 * (``questions``), waiting for its turn, importing (``done`` of ``total``
 * tiles, seconds to go where they are known), cancelling, done (ids of the
 * ``images``), failed (``message`` and ``hint``) or cancelled.
 */
export interface UploadItem {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  readonly relative_path: string;
  readonly bytes: number;
  readonly last_modified: number;
  readonly received: number;
  readonly state: 'uploading' | 'checking' | 'asks' | 'waiting' | 'importing' | 'cancelling' | 'done' | 'failed' | 'cancelled';
  readonly questions: ReadonlyArray<FileQuestion>;
  readonly done: number;
  readonly total: number;
  readonly remaining_s: number | null;
  readonly images: ReadonlyArray<string>;
  readonly notes: ReadonlyArray<string>;
  readonly message: string;
  readonly hint: string;
}

/**
 * All files on their way, the first begun first.
 */
export interface UploadList {
  readonly uploads: ReadonlyArray<UploadItem>;
}

/**
 * Arguments of the address of a picture's windows: what is seen, in full-
 * resolution pixels, and the plane of a stack.
 */
export interface WindowsQuery {
  readonly y0: number;
  readonly x0: number;
  readonly y1: number;
  readonly x1: number;
  readonly z?: number | null;
  readonly t?: number | null;
}
