// Made from the modules labkit_lab/wire*.py by `python -m labkit_lab.typescript`. Do not edit.

/**
 * A cell of an assignment's notebook was executed: its id (nbgrader's, else
 * its place), and the error if it stopped.
 *
 * Without ``ran`` none was: only what is annotated may have changed, which the
 * server looks for itself.
 */
export interface ActivityNote {
  readonly ran?: boolean;
  readonly cell?: string;
  readonly error?: string;
}

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
 * A network that can be trained: what it is for and what it needs; memory is
 * that of a step on one megapixel, in MB.
 */
export interface ArchitectureChoice {
  readonly name: string;
  readonly about: string;
  readonly parameters: number;
  readonly memory_mb: number;
  readonly halo_px: number;
  readonly tile_invariant: boolean;
}

/**
 * Which documents the assignment may mean, named as in `SendAsk`: only their
 * strokes have to be waited for.
 */
export interface AskedAnnotations {
  readonly documents: ReadonlyArray<string>;
}

/**
 * One assignment.
 *
 * ``due`` and ``closes`` are the caller's own, extension included;
 * ``time_zone`` is the course's. ``folder`` is a path of the file browser,
 * None before it is fetched or where the file browser cannot show it;
 * ``place`` is its path on the disk, empty before. ``fetched`` is the release
 * in the folder (0: none), ``release`` the latest. ``notebooks`` are paths
 * relative to the folder. ``points`` is None until feedback is released.
 * ``closed`` says that nothing is accepted any more. ``page`` is the address
 * of its page at the hub, for staff; empty for students. ``annotates`` is
 * whether the release in the folder asks for annotations of pictures.
 * ``authored`` is where it is written, for staff in whose home that is.
 */
export interface AssignmentEntry {
  readonly id: string;
  readonly course: string;
  readonly name: string;
  readonly title: string;
  readonly annotates: boolean;
  readonly state: 'to-fetch' | 'working' | 'submitted' | 'feedback';
  readonly page: string;
  readonly draft: boolean;
  readonly closed: boolean;
  readonly due: string | null;
  readonly closes: string | null;
  readonly time_zone: string;
  readonly grace_min: number;
  readonly accepts_late: boolean;
  readonly percent_per_day: number;
  readonly floor_percent: number;
  readonly attempts: number | null;
  readonly attempts_used: number;
  readonly counts: 'best' | 'last';
  readonly group: ReadonlyArray<string>;
  readonly extended: boolean;
  readonly release: number;
  readonly fetched: number;
  readonly folder: string | null;
  readonly place: string;
  readonly notebooks: ReadonlyArray<string>;
  readonly submitted: string | null;
  readonly points: number | null;
  readonly max_points: number;
  readonly waiting: number;
  readonly submissions: number;
  readonly authored: AuthoredEntry | null;
}

/**
 * Look at the folder of an assignment; ``documents`` are those of it that are
 * open, as they were just saved.
 */
export interface AuthorAsk {
  readonly documents?: ReadonlyArray<SavedDocument>;
}

/**
 * A folder of an assignment: as the file browser names it, for people, and the
 * assignment of the course that it is of, if any.
 */
export interface AuthorFolderItem {
  readonly folder: string;
  readonly place: string;
  readonly name: string;
  readonly assignment: string;
}

/**
 * The folders of assignments in this home.
 */
export interface AuthorFolderList {
  readonly folders: ReadonlyArray<AuthorFolderItem>;
}

/**
 * Something that is wrong; an error keeps it from being released.
 *
 * ``path`` is its file as the file browser names it, None where there is none
 * that it shows; ``index`` is the place of the cell from 0.
 */
export interface AuthorProblem {
  readonly severity: 'error' | 'warning';
  readonly where: string;
  readonly text: string;
  readonly hint: string;
  readonly path: string | null;
  readonly index: number | null;
  readonly grade_id: string;
}

/**
 * Whose document is meant, in an address; yours if it is left out.
 */
export interface AuthorQuery {
  readonly author?: string | null;
}

/**
 * Where an assignment is written: ``folder`` as the file browser names it,
 * None where it cannot show it, ``place`` for people.
 */
export interface AuthoredEntry {
  readonly folder: string | null;
  readonly place: string;
}

/**
 * A file that the person has changed, and where the newer one was laid.
 */
export interface BesideItem {
  readonly path: string;
  readonly beside: string;
}

/**
 * One line of a card.
 */
export interface CardRow {
  readonly name: string;
  readonly value: string;
}

/**
 * Some lines of a card that belong together.
 */
export interface CardSection {
  readonly title: string;
  readonly rows: ReadonlyArray<CardRow>;
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
 * What was found in the folder of an assignment; ``by_hand`` are those of its
 * points that a person gives.
 */
export interface CheckedReport {
  readonly errors: number;
  readonly items: number;
  readonly max_points: number;
  readonly by_hand: number;
  readonly problems: ReadonlyArray<AuthorProblem>;
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
 * Two or more runs by id, or models by ``name/version``.
 */
export interface CompareAsk {
  readonly runs?: ReadonlyArray<string>;
  readonly models?: ReadonlyArray<string>;
}

/**
 * Runs or models side by side; settings that differ come first.
 */
export interface CompareReport {
  readonly columns: ReadonlyArray<ComparedItem>;
  readonly rows: ReadonlyArray<CompareRow>;
}

/**
 * One line of the table, a value for each column; ``best`` are the columns
 * that are ahead, where that can be said.
 */
export interface CompareRow {
  readonly name: string;
  readonly kind: 'setting' | 'metric';
  readonly differs: boolean;
  readonly values: ReadonlyArray<string | null>;
  readonly best: ReadonlyArray<number>;
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
 * One column: a run or a model, with its curves.
 */
export interface ComparedItem {
  readonly key: string;
  readonly title: string;
  readonly curves: ReadonlyArray<CurveItem>;
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
 * A course and its assignments; ``problem`` says why they are not known.
 * ``page`` as in `AssignmentEntry`.
 */
export interface CourseEntry {
  readonly id: string;
  readonly title: string;
  readonly role: 'professor' | 'assistant' | 'student';
  readonly page: string;
  readonly problem: string;
  readonly assignments: ReadonlyArray<AssignmentEntry>;
}

/**
 * All courses of a person; ``hub`` is False where there is none. ``now`` is
 * the server's clock, ``folder`` where the work lies.
 */
export interface CourseWork {
  readonly hub: boolean;
  readonly problem: string;
  readonly hint: string;
  readonly now: string;
  readonly folder: string;
  readonly courses: ReadonlyArray<CourseEntry>;
}

/**
 * Points of one curve: the value of a metric (None: not a number) at an epoch
 * (from 1) and a step; no steps in comparisons.
 */
export interface CurveItem {
  readonly name: string;
  readonly epochs: ReadonlyArray<number>;
  readonly steps: ReadonlyArray<number>;
  readonly values: ReadonlyArray<number | null>;
}

/**
 * A place where a run can be carried out, and how many runs are there now,
 * queued ones included.
 */
export interface DeviceChoice {
  readonly name: string;
  readonly label: string;
  readonly runs: number;
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
 * What a submission earned. ``histogram`` has ten counts of the class, from
 * 0-10 % to 90-100 %; empty where it is not told.
 */
export interface FeedbackItem {
  readonly submission: string;
  readonly attempt: number;
  readonly submitted: string;
  readonly time_zone: string;
  readonly points: number | null;
  readonly max_points: number;
  readonly penalty: number;
  readonly late_s: number;
  readonly comment: string;
  readonly rows: ReadonlyArray<FeedbackRow>;
  readonly pages: ReadonlyArray<FeedbackPage>;
  readonly mean: number | null;
  readonly median: number | null;
  readonly graded: number;
  readonly histogram: ReadonlyArray<number>;
}

/**
 * A notebook as it was executed: ``url`` is good for a short while only.
 */
export interface FeedbackPage {
  readonly notebook: string;
  readonly url: string;
}

/**
 * Of which submission; empty for the one that counts.
 */
export interface FeedbackQuery {
  readonly submission?: string;
}

/**
 * One item: what it earned (None: not scored), and what was said of it.
 * ``how`` is in whose word it rests.
 *
 * ``pins`` are the words that are pinned to places of an annotated picture, in
 * the order of their numbers.
 */
export interface FeedbackRow {
  readonly notebook: string;
  readonly title: string;
  readonly how: 'cell' | 'hand' | 'assertion' | 'metric';
  readonly points: number | null;
  readonly max_points: number;
  readonly note: string;
  readonly comment: string;
  readonly pins: ReadonlyArray<string>;
}

/**
 * What a fetch did; ``folder`` is None where the file browser cannot show it.
 */
export interface FetchReport {
  readonly release: number;
  readonly folder: string | null;
  readonly place: string;
  readonly new: ReadonlyArray<string>;
  readonly renewed: ReadonlyArray<string>;
  readonly kept: ReadonlyArray<string>;
  readonly beside: ReadonlyArray<BesideItem>;
  readonly open: string | null;
}

/**
 * Why a training cannot be started, and in which field of `NewRun`; an empty
 * name is all of them together.
 */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  readonly hint: string;
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
 * In which folder an assignment is written: a path of the file browser.
 */
export interface FolderAsk {
  readonly folder: string;
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
 * The submissions of an assignment, the newest first.
 */
export interface HistoryList {
  readonly submissions: ReadonlyArray<HistoryRow>;
}

/**
 * One submission of the person or their group; points only after feedback was
 * released.
 */
export interface HistoryRow {
  readonly id: string;
  readonly person: string;
  readonly attempt: number;
  readonly release: number;
  readonly submitted: string;
  readonly late_s: number;
  readonly sha256: string;
  readonly size: number;
  readonly counts: boolean;
  readonly state: 'submitted' | 'queued' | 'graded' | 'failed';
  readonly points: number | null;
  readonly max_points: number | null;
  readonly penalty: number;
  readonly feedback: boolean;
}

/**
 * A course for which the hub computes, and how many device-hours are left
 * there; None is no limit.
 */
export interface HubCourseChoice {
  readonly id: string;
  readonly title: string;
  readonly hours_left: number | null;
}

/**
 * What the hub offers just now: how many devices are free, how many runs wait,
 * and for how many hours one may still compute.
 *
 * ``pause`` says why nothing starts now, ``announcement`` what an admin tells
 * everybody; both may be empty.
 */
export interface HubItem {
  readonly total: number;
  readonly free: number;
  readonly waiting: number;
  readonly hours_left: number | null;
  readonly pause: string;
  readonly announcement: string;
  readonly courses: ReadonlyArray<HubCourseChoice>;
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
 *
 * ``unit`` says what the steps are (``cells``, ``checks``), and is empty where
 * it does not matter.
 */
export interface JobItem {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly done: number;
  readonly total: number;
  readonly unit: string;
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
  readonly model_file: ModelExportReport | null;
  readonly tried: TrialReport | null;
  readonly tested: TestedReport | null;
  readonly released: ReleasedReport | null;
}

/**
 * Something that would not be sent, and why.
 */
export interface LeftOutItem {
  readonly path: string;
  readonly why: string;
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
 * The assignment of a folder; ``made`` is False where the course had one of
 * that name. ``open`` is its first notebook, if any.
 */
export interface MadeItem {
  readonly id: string;
  readonly name: string;
  readonly made: boolean;
  readonly place: string;
  readonly open: string | null;
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
 * A model's card for people.
 */
export interface ModelCardItem {
  readonly model: ModelItem;
  readonly sections: ReadonlyArray<CardSection>;
}

/**
 * Into which format a model goes; a package for bioimage.io names authors, and
 * a licence (SPDX) where the card has none.
 */
export interface ModelExportAsk {
  readonly format: 'onnx' | 'bioimageio';
  readonly authors?: ReadonlyArray<string>;
  readonly licence?: string;
}

/**
 * The file of a model, and how far its answers are from those of the model
 * itself (``difference``, at most ``tolerance``).
 */
export interface ModelExportReport {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly difference: number;
  readonly tolerance: number;
}

/**
 * One version of a model.
 *
 * ``opened`` tells whether it is what its bare name opens. ``retired`` is why
 * it is not to be used, None if it may. ``val_dice`` and ``test_dice`` are
 * means over the classes, without background.
 */
export interface ModelItem {
  readonly key: string;
  readonly name: string;
  readonly version: number;
  readonly created: string;
  readonly architecture: string;
  readonly training_set: string;
  readonly run: string | null;
  readonly val_dice: number | null;
  readonly test_dice: number | null;
  readonly licence: string;
  readonly promoted: boolean;
  readonly opened: boolean;
  readonly retired: string | null;
}

/**
 * The models of a project, by name, the newest version first; ``me`` is who
 * asks.
 */
export interface ModelList {
  readonly title: string;
  readonly me: string;
  readonly models: ReadonlyArray<ModelItem>;
}

/**
 * A new assignment: of a ``folder`` that exists, or of a ``sample`` that is
 * made there. The folder is a path of the file browser.
 */
export interface NewAssignmentAsk {
  readonly folder: string;
  readonly sample?: boolean;
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
 * A training that somebody wants; what is left out is as `RunForm` says.
 *
 * ``patience`` counts epochs, 0 is no early stopping. ``notebook`` is a path
 * in the home, of a notebook of one's own. ``course`` is for a run of the hub.
 * With ``reuse`` a run that has done the same already is answered, and nothing
 * is started.
 */
export interface NewRun {
  readonly training_set: string;
  readonly model?: string | null;
  readonly architecture?: string | null;
  readonly epochs?: number | null;
  readonly batch_size?: number | null;
  readonly learning_rate?: number | null;
  readonly seed?: number | null;
  readonly separate_objects?: boolean | null;
  readonly patience?: number | null;
  readonly device?: string | null;
  readonly time_limit_s?: number | null;
  readonly notebook?: string | null;
  readonly where?: 'here' | 'hub';
  readonly course?: string | null;
  readonly reuse?: boolean;
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
 * Whether the hub was told.
 */
export interface NotedItem {
  readonly told: boolean;
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
 * What would be done, with real data in hand.
 */
export interface PlanItem {
  readonly architecture: string;
  readonly parameters: number;
  readonly device: string;
  readonly precision: string | null;
  readonly channels: number;
  readonly outputs: ReadonlyArray<string>;
  readonly crop_px: number;
  readonly batch_size: number;
  readonly steps_per_epoch: number;
  readonly total_steps: number;
  readonly training_chips: number;
  readonly validation_chips: number;
  readonly halo_px: number;
  readonly memory_bytes: number | null;
  readonly warnings: ReadonlyArray<string>;
}

/**
 * The plan, or what is in its way.
 */
export interface PlanReply {
  readonly plan: PlanItem | null;
  readonly problems: ReadonlyArray<FieldProblem>;
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
 * What students get, written into a folder beside that of the assignment;
 * ``folder`` and ``open`` are paths of the file browser.
 */
export interface PreviewItem {
  readonly folder: string | null;
  readonly place: string;
  readonly files: ReadonlyArray<string>;
  readonly open: string | null;
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
 * A file that was handed in; ``cells`` and ``objects`` as in `SendFile`.
 */
export interface ReceiptFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly cells: number | null;
  readonly objects: number | null;
}

/**
 * What was handed in, when, and what it hashes to. ``kept`` is where the
 * receipt lies, empty where it could not be written.
 *
 * ``objects`` are those in ``pictures`` annotated pictures.
 */
export interface ReceiptItem {
  readonly submission: string;
  readonly course: string;
  readonly assignment_name: string;
  readonly person: string;
  readonly group: ReadonlyArray<string>;
  readonly attempt: number;
  readonly submitted: string;
  readonly time_zone: string;
  readonly sha256: string;
  readonly cells: number;
  readonly pictures: number;
  readonly objects: number;
  readonly files: ReadonlyArray<ReceiptFile>;
  readonly late_s: number;
  readonly notes: ReadonlyArray<string>;
  readonly kept: string;
}

/**
 * Release what was confirmed, with what holds from then on.
 *
 * ``seen`` is the hash of what students get. ``due`` and ``closes`` are local
 * times of the course, ``2026-10-25T23:59``, empty for none; ``attempts`` is
 * None for as many as one likes.
 */
export interface ReleaseAsk {
  readonly documents?: ReadonlyArray<SavedDocument>;
  readonly seen: string;
  readonly message?: string;
  readonly due: string;
  readonly closes: string;
  readonly grace_min: number;
  readonly accepts_late: boolean;
  readonly percent_per_day: number;
  readonly floor_percent: number;
  readonly attempts: number | null;
  readonly counts: 'best' | 'last';
}

/**
 * What students would get, and what holds for it now.
 *
 * ``sha256`` names what they get; it is empty, as ``files`` are, while there
 * are errors. ``hidden`` counts the files that stay with the hub. ``due``,
 * ``closes`` and ``now`` are as in `ReleaseAsk`: the browser's clock and its
 * zone are not the course's.
 */
export interface ReleasePlan {
  readonly checked: CheckedReport;
  readonly sha256: string;
  readonly files: ReadonlyArray<SendFile>;
  readonly hidden: number;
  readonly release: number;
  readonly draft: boolean;
  readonly submissions: number;
  readonly now: string;
  readonly time_zone: string;
  readonly due: string;
  readonly closes: string;
  readonly grace_min: number;
  readonly accepts_late: boolean;
  readonly percent_per_day: number;
  readonly floor_percent: number;
  readonly attempts: number | null;
  readonly counts: 'best' | 'last';
}

/**
 * A release: its number, how many files students get, its points;
 * ``unchanged`` where it was there before.
 *
 * ``notes`` are warnings of what could not be made for it.
 */
export interface ReleasedReport {
  readonly release: number;
  readonly files: number;
  readonly max_points: number;
  readonly unchanged: boolean;
  readonly notes: ReadonlyArray<string>;
}

/**
 * Why a model is not to be used any more.
 */
export interface RetireAsk {
  readonly reason: string;
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
 * What is taken where a person says nothing.
 */
export interface RunDefaults {
  readonly model: string;
  readonly architecture: string;
  readonly epochs: number;
  readonly batch_size: number;
  readonly learning_rate: number;
  readonly seed: number;
  readonly separate_objects: boolean;
  readonly patience: number;
  readonly device: string;
}

/**
 * What can be chosen for a new run: training sets and models the newest first;
 * ``home`` is where own notebooks lie.
 *
 * ``hub`` is None where there is no hub, or it does not answer, or has no
 * devices for this person.
 *
 * ``other_network`` is an example of those that are asked for by name alone;
 * None where their part is not installed.
 */
export interface RunForm {
  readonly training_sets: ReadonlyArray<TrainingSetChoice>;
  readonly architectures: ReadonlyArray<ArchitectureChoice>;
  readonly other_network: string | null;
  readonly devices: ReadonlyArray<DeviceChoice>;
  readonly hub: HubItem | null;
  readonly models: ReadonlyArray<string>;
  readonly home: string;
  readonly defaults: RunDefaults;
}

/**
 * One run as it stands.
 *
 * ``place`` is its place among the ``waiting`` runs of its device, over all
 * projects; 0 is next, None for what does not wait. ``silent`` is one that
 * should go on but is not heard of. ``done`` of ``total`` counts the ``unit``
 * of a ``stage`` (``training``, ``notebook``); ``epoch`` and ``step`` are
 * those of a training, from 1. ``made`` is the model, ``name/version``.
 * ``notebook`` and ``log`` are paths of the file browser, None where there is
 * no such file yet, or the file browser cannot show it. Of a run of the hub
 * ``device`` is what the hub calls it, or ``hub``; ``place`` counts the
 * person's own runs that wait there, ``waits_for`` says its place among those
 * of all people and why it waits, and ``page`` is the address of its page.
 */
export interface RunItem {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly state: 'queued' | 'starting' | 'running' | 'cancelling' | 'done' | 'failed' | 'cancelled' | 'lost';
  readonly reason: string;
  readonly where: 'here' | 'hub';
  readonly device: string;
  readonly page: string | null;
  readonly waits_for: string;
  readonly place: number | null;
  readonly waiting: number;
  readonly created: string;
  readonly started: string | null;
  readonly ended: string | null;
  readonly silent: boolean;
  readonly stage: string;
  readonly unit: string;
  readonly done: number;
  readonly total: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly rate_per_s: number | null;
  readonly remaining_s: number | null;
  readonly model: string;
  readonly made: string | null;
  readonly attempt: number;
  readonly resumes: string | null;
  readonly can_resume: boolean;
  readonly notebook: string | null;
  readonly log: string | null;
}

/**
 * The runs of a project, the newest first, and the title of the project;
 * ``now`` is the server's clock.
 *
 * ``hub_problem`` says why runs of the hub are shown as they were last seen;
 * empty if they are as they are, or there is no hub.
 */
export interface RunList {
  readonly title: string;
  readonly now: string;
  readonly hub_problem: string;
  readonly runs: ReadonlyArray<RunItem>;
}

/**
 * At which place of its queue a run that waits is to stand, from 0.
 */
export interface RunMove {
  readonly place: number;
}

/**
 * An open document as the browser has just saved it.
 *
 * ``path`` is relative to the folder of the assignment. ``sha256`` is that of
 * what the person sees: of a notebook the cells as `labkit_lab.savedmarks`
 * writes them down, of any other document its text with plain line ends.
 */
export interface SavedDocument {
  readonly path: string;
  readonly kind: 'notebook' | 'text';
  readonly sha256: string;
}

/**
 * Hand in (or say what would be handed in); ``seen`` is the hash that was
 * confirmed, empty before.
 *
 * ``unsaved`` names documents (project, image and author by ``/``) of which an
 * annotator in this browser holds strokes that are not saved yet.
 */
export interface SendAsk {
  readonly documents?: ReadonlyArray<SavedDocument>;
  readonly seen?: string;
  readonly unsaved?: ReadonlyArray<string>;
}

/**
 * A file that would be sent; ``cells`` is None for what is no notebook,
 * ``objects`` for what is no annotated picture.
 */
export interface SendFile {
  readonly path: string;
  readonly size: number;
  readonly cells: number | null;
  readonly objects: number | null;
}

/**
 * What would be handed in; ``sha256`` names the whole.
 */
export interface SendPlan {
  readonly sha256: string;
  readonly size: number;
  readonly files: ReadonlyArray<SendFile>;
  readonly left_out: ReadonlyArray<LeftOutItem>;
  readonly problems: ReadonlyArray<SendProblem>;
  readonly release: number;
  readonly newer_release: boolean;
}

/**
 * Something that is wrong with it; an error keeps it from being handed in.
 */
export interface SendProblem {
  readonly severity: 'error' | 'warning';
  readonly where: string;
  readonly text: string;
  readonly hint: string;
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
 * A run, and what its events tell; another ``standing`` tells that something
 * else than events has changed.
 *
 * ``curves`` hold the points that came after ``since``; when that is 0 they
 * are all of them, thinned where there are very many. ``samples`` names the
 * picture of sample predictions: another name is another picture. ``lines``
 * are the last ones of the log.
 */
export interface StoryItem {
  readonly run: RunItem;
  readonly now: string;
  readonly since: number;
  readonly seq: number;
  readonly standing: string;
  readonly curves: ReadonlyArray<CurveItem>;
  readonly samples: string | null;
  readonly warnings: ReadonlyArray<string>;
  readonly lines: ReadonlyArray<string>;
}

/**
 * What is known of a run (events up to ``since``, the ``standing`` that came
 * with them), and how long the answer may wait for more.
 */
export interface StoryQuery {
  readonly since?: number;
  readonly standing?: string;
  readonly wait_s?: number;
}

/**
 * What the own solution earned; ``full`` says that all but what a person gives
 * was earned, ``failed`` that it could not be graded.
 */
export interface TestedReport {
  readonly full: boolean;
  readonly failed: boolean;
  readonly points: number;
  readonly max_points: number;
  readonly seconds: number;
  readonly rows: ReadonlyArray<TestedRow>;
  readonly notes: ReadonlyArray<string>;
}

/**
 * What the solution earned for one item (None: a person gives it); ``path``
 * and ``grade_id`` lead to its cell.
 */
export interface TestedRow {
  readonly title: string;
  readonly how: 'cell' | 'hand' | 'assertion' | 'metric';
  readonly points: number | null;
  readonly max_points: number;
  readonly note: string;
  readonly path: string | null;
  readonly grade_id: string;
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
 * A training set that can be learned from.
 */
export interface TrainingSetChoice {
  readonly key: string;
  readonly name: string;
  readonly created: string;
  readonly chip_px: number;
  readonly training_chips: number;
  readonly validation_chips: number;
  readonly test_chips: number;
  readonly classes: ReadonlyArray<string>;
}

/**
 * Run the tests that can be seen, and look at the annotations; ``unsaved`` as
 * in `SendAsk`.
 */
export interface TrialAsk {
  readonly unsaved?: ReadonlyArray<string>;
}

/**
 * What a trial of all notebooks found; and the annotations that would be
 * handed in, with what is to be said of them.
 */
export interface TrialReport {
  readonly passed: boolean;
  readonly notebooks: ReadonlyArray<TriedNotebook>;
  readonly pictures: ReadonlyArray<TriedPicture>;
  readonly problems: ReadonlyArray<SendProblem>;
}

/**
 * A test, or a cell that stopped; ``index`` is its place from 0.
 */
export interface TriedCell {
  readonly index: number;
  readonly grade_id: string;
  readonly points: number | null;
  readonly state: 'passed' | 'failed' | 'stopped' | 'not-run';
  readonly message: string;
  readonly line: string;
}

/**
 * One notebook; ``path`` is one of the file browser, or None.
 */
export interface TriedNotebook {
  readonly notebook: string;
  readonly path: string | null;
  readonly problem: string;
  readonly cells: ReadonlyArray<TriedCell>;
}

/**
 * The annotations of a picture as they would be handed in.
 */
export interface TriedPicture {
  readonly path: string;
  readonly objects: number;
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
