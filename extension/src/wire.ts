// Made from the modules labkit_lab/wire*.py by `python -m labkit_lab.typescript`. Do not edit.

/**
 * Compare two authors in every image that both have a document of.
 */
export interface AgreementAsk {
  readonly first: string;
  readonly second: string;
}

/**
 * Agreement on one class over all images; null is undefined.
 */
export interface AgreementClass {
  readonly name: string;
  readonly iou: number | null;
  readonly dice: number | null;
  readonly kappa: number | null;
  readonly first_px: number;
  readonly second_px: number;
}

/**
 * Agreement in one image.
 */
export interface AgreementImage {
  readonly image_id: string;
  readonly image: string;
  readonly known_px: number;
  readonly kappa: number | null;
  readonly matched: number;
  readonly missed: number;
  readonly extra: number;
}

/**
 * Agreement of two authors, or of an author and a file, over the pixels that
 * both know.
 */
export interface AgreementReport {
  readonly first: string;
  readonly second: string;
  readonly known_px: number;
  readonly kappa: number | null;
  readonly matched: number;
  readonly matched_same_class: number;
  readonly missed: number;
  readonly extra: number;
  readonly unjudged: number;
  readonly mean_iou: number | null;
  readonly classes: ReadonlyArray<AgreementClass>;
  readonly images: ReadonlyArray<AgreementImage>;
  readonly problems: ReadonlyArray<ProblemItem>;
}

/**
 * Whose document is meant, in an address; yours if it is left out.
 */
export interface AuthorQuery {
  readonly author?: string | null;
}

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
 * Where a chip of the preview lies, in pixels of its image; ``image`` counts
 * the images of the plan from 0.
 */
export interface ChipItem {
  readonly image: number;
  readonly y: number;
  readonly x: number;
}

/**
 * Who annotates an image, and until when nobody else should.
 */
export interface ClaimItem {
  readonly author: string;
  readonly until: string;
}

/**
 * A class: its number in masks, its name, its colour.
 */
export interface ClassItem {
  readonly id: number;
  readonly name: string;
  readonly colour: string;
}

/**
 * A comment on a document; ``resolved_by`` is set when it is done with.
 */
export interface CommentItem {
  readonly id: string;
  readonly text: string;
  readonly author: string;
  readonly time: string;
  readonly y: number | null;
  readonly x: number | null;
  readonly object_id: string | null;
  readonly resolved_by: string | null;
}

/**
 * An image that is not the same in both sets: how, and what it was and is.
 */
export interface ComparedImage {
  readonly name: string;
  readonly change: 'added' | 'removed' | 'annotated' | 'moved';
  readonly before: string;
  readonly after: string;
}

/**
 * A setting that differs, as words.
 */
export interface ComparedSetting {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/**
 * How the second set differs from the first; ``lines`` say it in words,
 * ``problems`` what would keep it from being built again.
 */
export interface ComparisonReport {
  readonly one: string;
  readonly other: string;
  readonly same: boolean;
  readonly lines: ReadonlyArray<string>;
  readonly images: ReadonlyArray<ComparedImage>;
  readonly settings: ReadonlyArray<ComparedSetting>;
  readonly pixels: ReadonlyArray<PixelChange>;
  readonly problems: ReadonlyArray<string>;
}

/**
 * Make the consensus of these authors (none named means all) in these images
 * (none named means all).
 */
export interface ConsensusAsk {
  readonly images?: ReadonlyArray<string>;
  readonly authors?: ReadonlyArray<string>;
  readonly share?: number;
}

/**
 * The consensus of one image: objects with a majority, groups without, objects
 * drawn by hand that were kept.
 */
export interface ConsensusItem {
  readonly image_id: string;
  readonly image: string;
  readonly authors: ReadonlyArray<string>;
  readonly objects: number;
  readonly dropped: number;
  readonly kept: number;
}

/**
 * The consensus of several images; ``author`` has the documents.
 */
export interface ConsensusReport {
  readonly author: string;
  readonly images: ReadonlyArray<ConsensusItem>;
  readonly problems: ReadonlyArray<ProblemItem>;
}

/**
 * Somebody's annotations of an image; ``problem`` says why their review cannot
 * be read.
 */
export interface DocumentItem {
  readonly author: string;
  readonly state: 'to-annotate' | 'in-review' | 'returned' | 'accepted';
  readonly open_comments: number;
  readonly problem: string | null;
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
 * Write an author's annotations of these images (none named means all) to
 * files of a format.
 */
export interface ExportAsk {
  readonly format: 'geojson' | 'labels' | 'mask' | 'labeller' | 'coco' | 'yolo' | 'yolo-seg' | 'voc' | 'ome-zarr';
  readonly author: string;
  readonly images?: ReadonlyArray<string>;
}

/**
 * A file to fetch; ``losses`` are the first of ``losses_total`` remarks on
 * what the format cannot hold.
 */
export interface ExportReport {
  readonly name: string;
  readonly bytes: number;
  readonly files: number;
  readonly losses: ReadonlyArray<string>;
  readonly losses_total: number;
  readonly problems: ReadonlyArray<ProblemItem>;
}

/**
 * What looks wrong in one object; ``y`` and ``x`` are its middle, null where
 * it is not known.
 */
export interface FaultItem {
  readonly image_id: string;
  readonly image: string;
  readonly author: string;
  readonly object_id: string;
  readonly fault: 'outside' | 'no-pixel' | 'clipped' | 'tiny' | 'self-crossing' | 'duplicate' | 'near-duplicate' | 'no-class' | 'not-checked';
  readonly words: string;
  readonly level: 'warning' | 'note';
  readonly y: number | null;
  readonly x: number | null;
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
 * Compare an author's document with a file; ``path`` lies in the home,
 * ``class_name`` is for objects that come without one.
 */
export interface GoldAsk {
  readonly image: string;
  readonly author: string;
  readonly path: string;
  readonly class_name?: string | null;
}

/**
 * One image of a project; ``annotated`` if anybody has marked anything in it.
 *
 * ``state``, ``finished``, ``objects`` (accepted ones, annotated areas left
 * out) and ``open_comments`` are of the document of whoever asks, ``problem``
 * says why it cannot be read; ``documents`` are those of all authors,
 * ``claimed_by`` holds it until ``claimed_until``.
 */
export interface ImageItem {
  readonly id: string;
  readonly name: string;
  readonly height_px: number;
  readonly width_px: number;
  readonly annotated: boolean;
  readonly role: 'image' | 'labels';
  readonly state: 'to-annotate' | 'in-review' | 'returned' | 'accepted';
  readonly finished: boolean;
  readonly objects: number;
  readonly open_comments: number;
  readonly documents: ReadonlyArray<DocumentItem>;
  readonly claimed_by: string | null;
  readonly claimed_until: string | null;
  readonly problem: string | null;
}

/**
 * The images of a project, oldest first; ``me`` is who asks.
 */
export interface ImageList {
  readonly me: string;
  readonly images: ReadonlyArray<ImageItem>;
}

/**
 * Take files in, into an author's documents; the other fields are as in
 * `labkit.annotations.import_annotations`.
 */
export interface ImportAsk {
  readonly incoming: string;
  readonly author: string;
  readonly image?: string | null;
  readonly class_name?: string | null;
  readonly finished?: boolean | null;
  readonly shift_auto?: boolean;
}

/**
 * What came in, and which files did not.
 */
export interface ImportReport {
  readonly files: ReadonlyArray<ImportedFile>;
  readonly problems: ReadonlyArray<ProblemItem>;
}

/**
 * What came in with one file.
 */
export interface ImportedFile {
  readonly name: string;
  readonly image_id: string;
  readonly image: string;
  readonly author: string;
  readonly format: string;
  readonly added: number;
  readonly updated: number;
  readonly skipped: number;
  readonly finished: boolean;
  readonly warnings: ReadonlyArray<string>;
  readonly warnings_total: number;
}

/**
 * A file that the browser wants to send.
 */
export interface IncomingFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Files on their way: how many bytes of each are here, in the order in which
 * they were named.
 */
export interface IncomingItem {
  readonly id: string;
  readonly received: ReadonlyArray<number>;
}

/**
 * Work that takes its time: ``done`` of ``total`` steps; at its end one
 * report, or ``message`` and ``hint``.
 */
export interface JobItem {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly done: number;
  readonly total: number;
  readonly message: string;
  readonly hint: string;
  readonly validation: ValidationReport | null;
  readonly agreement: AgreementReport | null;
  readonly consensus: ConsensusReport | null;
  readonly exported: ExportReport | null;
  readonly looked: LookReport | null;
  readonly imported: ImportReport | null;
  readonly planned: PlanReport | null;
  readonly built: SetItem | null;
  readonly compared: ComparisonReport | null;
  readonly previewed: PreviewReport | null;
}

/**
 * Find out what files are; ``image`` is for all of them, else each goes to the
 * image of its name.
 */
export interface LookAsk {
  readonly incoming: string;
  readonly image?: string | null;
}

/**
 * What files are.
 */
export interface LookReport {
  readonly files: ReadonlyArray<LookedFile>;
  readonly problems: ReadonlyArray<ProblemItem>;
}

/**
 * What a file is: how many objects it has where that is known, and what must
 * be said of it before it comes in.
 */
export interface LookedFile {
  readonly name: string;
  readonly image: string;
  readonly format: string;
  readonly objects: number | null;
  readonly needs_class: boolean;
  readonly may_shift: boolean;
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
 * Words on an author's document: on a place (full-resolution pixels), on an
 * object, or on all of it.
 */
export interface NewComment {
  readonly author: string;
  readonly text: string;
  readonly y?: number | null;
  readonly x?: number | null;
  readonly object_id?: string | null;
}

/**
 * Files of annotations that belong together.
 */
export interface NewIncoming {
  readonly files: ReadonlyArray<IncomingFile>;
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
 * The state that an author's document is to come into.
 */
export interface NewState {
  readonly author: string;
  readonly state: 'to-annotate' | 'in-review' | 'returned' | 'accepted';
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
 * The image that was claimed for you; null when none is free.
 */
export interface NextImage {
  readonly image_id: string | null;
  readonly image: string | null;
  readonly claim: ClaimItem | null;
}

/**
 * A box of an image that belongs to a part, in pixels of the image.
 */
export interface PartBoxItem {
  readonly part: 'train' | 'val' | 'test';
  readonly y0: number;
  readonly x0: number;
  readonly y1: number;
  readonly x1: number;
}

/**
 * What a part holds: chips, pixels of each class (by id; 0 is background),
 * pixels to ignore, objects.
 */
export interface PartItem {
  readonly part: 'train' | 'val' | 'test';
  readonly chips: number;
  readonly pixels: Readonly<Record<string, number>>;
  readonly ignored_pixels: number;
  readonly objects: number;
}

/**
 * Arguments of a piece's address: how many bytes have gone before it.
 */
export interface PieceQuery {
  readonly offset: number;
}

/**
 * Pixels of a class in a part, before and after.
 */
export interface PixelChange {
  readonly part: 'train' | 'val' | 'test';
  readonly class_name: string;
  readonly before: number;
  readonly after: number;
}

/**
 * What a wish would give; nothing was written.
 */
export interface PlanReport {
  readonly images: ReadonlyArray<PlannedItem>;
  readonly parts: ReadonlyArray<PartItem>;
  readonly size_bytes: number;
  readonly problems: ReadonlyArray<SetProblemItem>;
}

/**
 * The grid of tiles over one image.
 *
 * ``coverage`` has two hexadecimal digits for each tile: percent of it that is
 * annotated; ``parts`` a letter: t (train), v (val), e (test) or - (gap);
 * ``chosen`` and each of ``classes`` (by id) 1 or 0.
 */
export interface PlannedItem {
  readonly id: string;
  readonly name: string;
  readonly author: string;
  readonly height_px: number;
  readonly width_px: number;
  readonly group: string;
  readonly rows: number;
  readonly columns: number;
  readonly coverage: string;
  readonly parts: string;
  readonly chosen: string;
  readonly classes: Readonly<Record<string, string>>;
  readonly boxes: ReadonlyArray<PartBoxItem>;
}

/**
 * Show chips that the wish would give, each beside what training makes of it.
 */
export interface PreviewAsk {
  readonly wish: SetAsk;
  readonly chips?: number;
  readonly variants?: number;
  readonly seed?: number;
}

/**
 * A picture (PNG, in base64) with a row for each chip: as it is, then as
 * training would see it.
 */
export interface PreviewReport {
  readonly png: string;
  readonly width_px: number;
  readonly height_px: number;
  readonly chips: ReadonlyArray<ChipItem>;
  readonly variants: number;
}

/**
 * What could not be done, and with what; the rest was done.
 */
export interface ProblemItem {
  readonly what: string;
  readonly message: string;
}

/**
 * How far one author has come in one image; ``author`` is null where nobody
 * has begun, ``problem`` says what cannot be read.
 */
export interface ProgressItem {
  readonly image_id: string;
  readonly image: string;
  readonly author: string | null;
  readonly state: 'to-annotate' | 'in-review' | 'returned' | 'accepted';
  readonly finished: boolean;
  readonly objects: Readonly<Record<string, number>>;
  readonly unclassified: number;
  readonly areas: number;
  readonly seconds: number;
  readonly changed: string | null;
  readonly claimed_until: string | null;
  readonly open_comments: number;
  readonly problem: string | null;
}

/**
 * The progress of a project; ``me`` is who asks.
 */
export interface ProgressList {
  readonly title: string;
  readonly me: string;
  readonly classes: ReadonlyArray<string>;
  readonly rows: ReadonlyArray<ProgressItem>;
  readonly totals: ProgressSums;
}

/**
 * Sums over the documents of people; a consensus is left out.
 */
export interface ProgressSums {
  readonly images: number;
  readonly annotated_images: number;
  readonly documents: number;
  readonly finished: number;
  readonly states: Readonly<Record<string, number>>;
  readonly objects: Readonly<Record<string, number>>;
  readonly unclassified: number;
  readonly areas: number;
  readonly seconds: number;
  readonly claimed: number;
  readonly open_comments: number;
  readonly problems: number;
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
 * The review of one author's document.
 *
 * ``me`` is who asks, ``next`` are the states that can follow; ``claim`` says
 * who holds the image.
 */
export interface ReviewItem {
  readonly image_id: string;
  readonly image: string;
  readonly author: string;
  readonly me: string;
  readonly state: 'to-annotate' | 'in-review' | 'returned' | 'accepted';
  readonly next: ReadonlyArray<'to-annotate' | 'in-review' | 'returned' | 'accepted'>;
  readonly comments: ReadonlyArray<CommentItem>;
  readonly time_spent: ReadonlyArray<TimeItem>;
  readonly claim: ClaimItem | null;
}

/**
 * The wish for a training set; no image named means all that the author has
 * annotated, no author means you.
 */
export interface SetAsk {
  readonly name: string;
  readonly images?: ReadonlyArray<string>;
  readonly author?: string | null;
  readonly chip_px?: number;
  readonly split?: SplitWish;
  readonly tiles?: TileWish;
}

/**
 * An image that a set can be made of: who has annotated it, and what it
 * belongs to by each key.
 */
export interface SetChoice {
  readonly id: string;
  readonly name: string;
  readonly authors: ReadonlyArray<string>;
  readonly groups: Readonly<Record<string, string>>;
}

/**
 * A training set; ``wish`` is what it was built from, null where it was built
 * before that was kept.
 */
export interface SetItem {
  readonly key: string;
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly created: string;
  readonly chip_px: number;
  readonly classes: ReadonlyArray<ClassItem>;
  readonly images: ReadonlyArray<string>;
  readonly author: string;
  readonly parts: ReadonlyArray<PartItem>;
  readonly boxes: number;
  readonly dropped_chips: number;
  readonly wish: SetAsk | null;
}

/**
 * The sets of a project, the newest first, and what can be chosen for another;
 * ``me`` is who asks.
 */
export interface SetList {
  readonly title: string;
  readonly me: string;
  readonly classes: ReadonlyArray<ClassItem>;
  readonly images: ReadonlyArray<SetChoice>;
  readonly group_keys: ReadonlyArray<string>;
  readonly sets: ReadonlyArray<SetItem>;
}

/**
 * What is wrong with a wish, and what to do; with an error it would be
 * refused.
 */
export interface SetProblemItem {
  readonly level: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * Two sets to compare, by their keys.
 */
export interface SetsQuery {
  readonly one: string;
  readonly other: string;
}

/**
 * How to split; the shares of train, val and test add up to 1. ``group`` is
 * the key by which images belong together.
 */
export interface SplitWish {
  readonly kind?: 'auto' | 'images' | 'groups' | 'blocks' | 'bands';
  readonly train?: number;
  readonly val?: number;
  readonly test?: number;
  readonly gap_px?: number;
  readonly seed?: number;
  readonly block_px?: number | null;
  readonly group?: string;
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
 * Which tiles are taken. For ``hand``, ``chosen`` has for each image a text of
 * 1 (taken) and 0; images that it lacks give none.
 */
export interface TileWish {
  readonly tile_px?: number;
  readonly kind?: 'all' | 'annotated' | 'reviewed' | 'classes' | 'number' | 'hand';
  readonly min_coverage?: number;
  readonly classes?: ReadonlyArray<string>;
  readonly count?: number | null;
  readonly chosen?: Readonly<Record<string, string>>;
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
 * How long a person worked on a document.
 */
export interface TimeItem {
  readonly author: string;
  readonly seconds: number;
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
 * Look for what is wrong in documents; none named means all.
 */
export interface ValidationAsk {
  readonly images?: ReadonlyArray<string>;
  readonly authors?: ReadonlyArray<string>;
}

/**
 * What looks wrong in a number of documents.
 */
export interface ValidationReport {
  readonly documents: number;
  readonly faults: ReadonlyArray<FaultItem>;
  readonly problems: ReadonlyArray<ProblemItem>;
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
