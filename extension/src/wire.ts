// Made from labkit_lab/wire.py by `python -m labkit_lab.typescript`. Do not edit.

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
 * What is asked for: a new project with this folder name, title and these
 * classes.
 */
export interface NewProject {
  readonly name: string;
  readonly title?: string;
  readonly classes?: ReadonlyArray<string>;
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
