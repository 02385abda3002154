/** The only place that talks to the server extension. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { Pieces } from './pieces';
import type {
  ActivityNote,
  AgreementAsk,
  AskedAnnotations,
  AuthorAsk,
  AuthorFolderList,
  CheckedReport,
  ComparisonReport,
  ConsensusAsk,
  ChannelWindows,
  CompareAsk,
  CompareReport,
  CourseWork,
  MaskQuery,
  WindowsQuery,
  ErrorBody,
  ErrorReply,
  ExportAsk,
  FeedbackItem,
  FetchReport,
  FolderAsk,
  GoldAsk,
  HistoryList,
  ImageList,
  ImportAsk,
  IncomingItem,
  JobItem,
  LookAsk,
  MadeItem,
  ModelCardItem,
  ModelExportAsk,
  ModelItem,
  ModelList,
  NewAssignmentAsk,
  NewComment,
  NewIncoming,
  NewProject,
  NewRun,
  NewState,
  NewUpload,
  NextImage,
  NotedItem,
  PieceQuery,
  PlanReply,
  PreviewAsk,
  PreviewItem,
  ProgressList,
  ProjectItem,
  ProjectList,
  ReceiptItem,
  ReleaseAsk,
  ReleasePlan,
  RetireAsk,
  ReviewItem,
  RunForm,
  RunItem,
  RunList,
  RunMove,
  StoryItem,
  StoryQuery,
  SendAsk,
  SendPlan,
  SetAsk,
  SetList,
  SetsQuery,
  ThumbnailQuery,
  TilesQuery,
  UploadAnswers,
  TrialAsk,
  UploadItem,
  UploadList,
  ValidationAsk
} from './wire';

const ROOT = 'labkit/api';

/** An error that the server has put into words. */
export class RefusedError extends Error {
  constructor(
    readonly body: ErrorBody,
    readonly status: number
  ) {
    super(body.message);
  }

  get hint(): string {
    return this.body.hint;
  }
}

/** The server answers, but knows nothing of LabKit. */
export class ServerPartMissingError extends Error {}

/** The server does not answer at all. */
export class UnreachableError extends Error {}

/** Whose annotations of which image. */
export interface IDocumentName {
  readonly projectId: string;
  readonly imageId: string;
  readonly author: string;
}

/** Which run of which project. */
export interface IRunName {
  readonly projectId: string;
  readonly runId: string;
}

/** Typed requests, one for each route. */
export class LabKitApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  /**
   * The projects of this home.
   *
   * @param background - Whether nobody asked: such a request must not keep an
   * idle server alive.
   */
  listProjects(background: boolean): Promise<ProjectList> {
    const query = background ? '?no_track_activity=1' : '';
    return this._request<ProjectList>(`projects${query}`, { method: 'GET' });
  }

  createProject(asked: NewProject): Promise<ProjectItem> {
    return this._request<ProjectItem>('projects', {
      method: 'POST',
      body: JSON.stringify(asked)
    });
  }

  /** Address of a small picture of an image of a project; null without one. */
  thumbnailUrl(project: ProjectItem, maxPx: number): string | null {
    if (project.cover_image === null) {
      return null;
    }
    return this.imageUrl(project.id, project.cover_image, maxPx);
  }

  /** Address of a small picture of one image. */
  imageUrl(projectId: string, imageId: string, maxPx: number): string {
    const query: ThumbnailQuery = { image: imageId, max_px: maxPx };
    return (
      this._url('projects', projectId, 'thumbnail') +
      URLExt.objectToQueryString({ ...query })
    );
  }

  /**
   * The images of a project.
   *
   * @param background - Whether nobody asked.
   */
  listImages(projectId: string, background = false): Promise<ImageList> {
    const query = background ? '?no_track_activity=1' : '';
    return this._get<ImageList>(
      pathOf('projects', projectId, 'images') + query
    );
  }

  /** How far everybody has come. */
  readProgress(projectId: string): Promise<ProgressList> {
    return this._get<ProgressList>(pathOf('projects', projectId, 'progress'));
  }

  /** Claim the next image that nobody is at work on. */
  claimNext(projectId: string): Promise<NextImage> {
    return this._post<NextImage>(pathOf('projects', projectId, 'next'), {});
  }

  /** The review of an author's document; nobody asked, so the server may idle. */
  readReview(document: IDocumentName): Promise<ReviewItem> {
    const query = { author: document.author, no_track_activity: 1 };
    return this._get<ReviewItem>(
      ofImage(document, 'review') + URLExt.objectToQueryString(query)
    );
  }

  changeState(
    document: IDocumentName,
    state: NewState['state']
  ): Promise<ReviewItem> {
    const asked: NewState = { author: document.author, state };
    return this._post(ofImage(document, 'review', 'state'), asked);
  }

  addComment(
    document: IDocumentName,
    comment: Omit<NewComment, 'author'>
  ): Promise<ReviewItem> {
    const asked: NewComment = { ...comment, author: document.author };
    return this._post(ofImage(document, 'review', 'comments'), asked);
  }

  resolveComment(document: IDocumentName, id: string): Promise<ReviewItem> {
    const query = URLExt.objectToQueryString({ author: document.author });
    return this._post(
      ofImage(document, 'review', 'comments', id, 'resolved') + query,
      {}
    );
  }

  /** Keep others from an image for a while, unless somebody else has it. */
  claim(document: IDocumentName): Promise<ReviewItem> {
    return this._post(ofImage(document, 'claim'), {});
  }

  /** Give an image back; goes out even if the page goes. */
  release(document: IDocumentName): Promise<ReviewItem> {
    return this._request(ofImage(document, 'claim'), {
      method: 'DELETE',
      keepalive: true
    });
  }

  validate(projectId: string, asked: ValidationAsk): Promise<JobItem> {
    return this._post(pathOf('projects', projectId, 'validation'), asked);
  }

  compare(projectId: string, asked: AgreementAsk): Promise<JobItem> {
    return this._post(pathOf('projects', projectId, 'agreement'), asked);
  }

  compareWithGold(projectId: string, asked: GoldAsk): Promise<JobItem> {
    return this._post(pathOf('projects', projectId, 'gold'), asked);
  }

  buildConsensus(projectId: string, asked: ConsensusAsk): Promise<JobItem> {
    return this._post(pathOf('projects', projectId, 'consensus'), asked);
  }

  /**
   * What there is to do in all courses.
   *
   * @param background - Whether nobody asked.
   */
  readCourses(background: boolean): Promise<CourseWork> {
    return this._get('courses' + (background ? '?no_track_activity=1' : ''));
  }

  /** Bring the latest release into its folder. */
  fetchAssignment(id: string): Promise<FetchReport> {
    return this._post(ofAssignment(id, 'fetch'), {});
  }

  /** What would be handed in; refused where a file on the disk is another than what is seen. */
  planSending(id: string, asked: SendAsk): Promise<SendPlan> {
    return this._post(ofAssignment(id, 'sending'), asked);
  }

  /** Which annotations an assignment may mean. */
  readAskedAnnotations(id: string): Promise<AskedAnnotations> {
    return this._get(ofAssignment(id, 'annotations'));
  }

  /** Hand in what was confirmed. */
  submitAssignment(id: string, asked: SendAsk): Promise<ReceiptItem> {
    return this._post(ofAssignment(id, 'submit'), asked);
  }

  /** Run the notebooks of an assignment and the tests in them. */
  tryAssignment(id: string, asked: TrialAsk): Promise<JobItem> {
    return this._post(ofAssignment(id, 'trial'), asked);
  }

  readHistory(id: string): Promise<HistoryList> {
    return this._get(ofAssignment(id, 'submissions'));
  }

  /** What came back; without a submission, of the one that counts. */
  readFeedback(id: string, submission: string): Promise<FeedbackItem> {
    const query = URLExt.objectToQueryString({ submission });
    return this._get(ofAssignment(id, 'feedback') + query);
  }

  /**
   * Say where the person is; the hub keeps only the last word.
   *
   * @param background - Whether nobody did anything: it is only looked.
   */
  noteActivity(
    id: string,
    note: ActivityNote,
    background = false
  ): Promise<NotedItem> {
    const query = background ? '?no_track_activity=1' : '';
    return this._post(ofAssignment(id, 'activity') + query, note);
  }

  /** The folders of assignments in this home, with what each is of in a course. */
  listAuthorFolders(course: string): Promise<AuthorFolderList> {
    return this._get(pathOf('courses', course, 'folders'));
  }

  makeAssignment(course: string, asked: NewAssignmentAsk): Promise<MadeItem> {
    return this._post(pathOf('courses', course, 'assignments'), asked);
  }

  /** Say in which folder an assignment is written. */
  chooseAuthorFolder(id: string, asked: FolderAsk): Promise<MadeItem> {
    return this._post(ofAssignment(id, 'folder'), asked);
  }

  checkAssignment(id: string, asked: AuthorAsk): Promise<CheckedReport> {
    return this._post(ofAssignment(id, 'check'), asked);
  }

  /** Write what students get into a folder. */
  previewAssignment(id: string, asked: AuthorAsk): Promise<PreviewItem> {
    return this._post(ofAssignment(id, 'preview'), asked);
  }

  /** Grade an assignment with its own solution. */
  testSolution(id: string, asked: AuthorAsk): Promise<JobItem> {
    return this._post(ofAssignment(id, 'solution'), asked);
  }

  planRelease(id: string, asked: AuthorAsk): Promise<ReleasePlan> {
    return this._post(ofAssignment(id, 'release-plan'), asked);
  }

  releaseAssignment(id: string, asked: ReleaseAsk): Promise<JobItem> {
    return this._post(ofAssignment(id, 'release'), asked);
  }

  /** Write annotations to a file, which `jobFileUrl` then names. */
  exportAnnotations(projectId: string, asked: ExportAsk): Promise<JobItem> {
    return this._post(pathOf('projects', projectId, 'exports'), asked);
  }

  /** Find out what files are that were sent. */
  lookAt(projectId: string, asked: LookAsk): Promise<JobItem> {
    return this._post(pathOf('projects', projectId, 'looks'), asked);
  }

  /** Take files that were sent into documents. */
  importAnnotations(projectId: string, asked: ImportAsk): Promise<JobItem> {
    return this._post(
      pathOf('projects', projectId, 'annotation-imports'),
      asked
    );
  }

  /**
   * The runs of a project.
   *
   * @param background - Whether nobody asked.
   */
  listRuns(projectId: string, background: boolean): Promise<RunList> {
    const query = background ? '?no_track_activity=1' : '';
    return this._get(pathOf('projects', projectId, 'runs') + query);
  }

  /** What a run tells, as soon as there is news; nobody asked, and a run under way keeps the server alive itself. */
  readStory(
    run: IRunName,
    asked: StoryQuery,
    signal: AbortSignal
  ): Promise<StoryItem> {
    const query = { ...asked, no_track_activity: 1 };
    return this._request(
      ofRun(run, 'story') + URLExt.objectToQueryString(query),
      { method: 'GET', signal }
    );
  }

  /** Address of the sample predictions of a run; another mark is another picture. */
  samplesUrl(run: IRunName, mark: string): string {
    return (
      this._url('projects', run.projectId, 'runs', run.runId, 'samples') +
      URLExt.objectToQueryString({ mark })
    );
  }

  /** Stop a run, start it again, or go on where it stopped. */
  changeRun(
    run: IRunName,
    how: 'cancel' | 'retry' | 'resume'
  ): Promise<RunItem> {
    return this._post(ofRun(run, how), {});
  }

  moveRun(run: IRunName, asked: RunMove): Promise<RunItem> {
    return this._post(ofRun(run, 'move'), asked);
  }

  /** What can be chosen for a new run. */
  readRunForm(projectId: string): Promise<RunForm> {
    return this._get(pathOf('projects', projectId, 'runs', 'form'));
  }

  /** What would be done, or what is in its way; nothing is started. */
  planRun(
    projectId: string,
    asked: NewRun,
    signal: AbortSignal
  ): Promise<PlanReply> {
    return this._request(pathOf('projects', projectId, 'runs', 'plan'), {
      method: 'POST',
      body: JSON.stringify(asked),
      signal
    });
  }

  startRun(projectId: string, asked: NewRun): Promise<RunItem> {
    return this._post(pathOf('projects', projectId, 'runs'), asked);
  }

  /** Runs or models side by side. */
  compareRuns(projectId: string, asked: CompareAsk): Promise<CompareReport> {
    return this._post(pathOf('projects', projectId, 'runs', 'compare'), asked);
  }

  listModels(projectId: string): Promise<ModelList> {
    return this._get(pathOf('projects', projectId, 'models'));
  }

  /** The card of a model, by `name/version`. */
  readModel(projectId: string, key: string): Promise<ModelCardItem> {
    return this._get(ofModel(projectId, key));
  }

  /** Make a version the one that its name opens, or take a retired one back. */
  changeModel(
    projectId: string,
    key: string,
    how: 'promote' | 'restore'
  ): Promise<ModelItem> {
    return this._post(ofModel(projectId, key, how), {});
  }

  retireModel(
    projectId: string,
    key: string,
    asked: RetireAsk
  ): Promise<ModelItem> {
    return this._post(ofModel(projectId, key, 'retire'), asked);
  }

  /** Write a model to a file, which `jobFileUrl` then names. */
  exportModel(
    projectId: string,
    key: string,
    asked: ModelExportAsk
  ): Promise<JobItem> {
    return this._post(ofModel(projectId, key, 'export'), asked);
  }

  /** The training sets of a project, and what another can be made of. */
  listSets(projectId: string): Promise<SetList> {
    return this._get(ofSets(projectId));
  }

  /** Find out what would come of a wish; nothing is written. */
  planSet(projectId: string, asked: SetAsk): Promise<JobItem> {
    return this._post(ofSets(projectId, 'plan'), asked);
  }

  buildSet(projectId: string, asked: SetAsk): Promise<JobItem> {
    return this._post(ofSets(projectId, 'build'), asked);
  }

  /** Draw chips of a wish beside what training makes of them. */
  previewSet(projectId: string, asked: PreviewAsk): Promise<JobItem> {
    return this._post(ofSets(projectId, 'preview'), asked);
  }

  /** Find out what a set would be now. */
  changesSince(projectId: string, key: string): Promise<JobItem> {
    return this._post(ofSets(projectId, key, 'changes'), {});
  }

  compareSets(
    projectId: string,
    one: string,
    other: string
  ): Promise<ComparisonReport> {
    const query: SetsQuery = { one, other };
    return this._get(
      ofSets(projectId, 'compare') + URLExt.objectToQueryString({ ...query })
    );
  }

  readJob(id: string): Promise<JobItem> {
    return this._get(pathOf('jobs', id));
  }

  /** Cancel a job, or forget one that ended. */
  endJob(id: string): Promise<JobItem> {
    return this._request(pathOf('jobs', id), { method: 'DELETE' });
  }

  /** Address of the file that an export made. */
  jobFileUrl(id: string): string {
    return this._url('jobs', id, 'file');
  }

  /** Begin to send files of annotations. */
  beginIncoming(asked: NewIncoming): Promise<IncomingItem> {
    return this._post('incoming', asked);
  }

  sendIncoming(
    id: string,
    file: number,
    offset: number,
    piece: ArrayBuffer
  ): Promise<IncomingItem> {
    const query: PieceQuery = { offset };
    return this._put(
      pathOf('incoming', id, String(file)) +
        URLExt.objectToQueryString({ ...query }),
      piece
    );
  }

  endIncoming(id: string): Promise<IncomingItem> {
    return this._request(pathOf('incoming', id), { method: 'DELETE' });
  }

  /** Pixels of an image as JPEGs, each told as soon as it has come; without bytes if it cannot be read. */
  async readTiles(
    projectId: string,
    imageId: string,
    query: TilesQuery,
    take: (jpeg: Uint8Array<ArrayBuffer>) => void,
    signal: AbortSignal
  ): Promise<void> {
    const url =
      this._url('projects', projectId, 'images', imageId, 'tiles', 'stream') +
      URLExt.objectToQueryString(saidOf(query));
    const init: RequestInit = { method: 'GET', signal };
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    );
    if (!response.ok || response.body === null) {
      throw new UnreachableError(`${response.status} ${response.statusText}`);
    }
    const pieces = new Pieces();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      pieces.take(value).forEach(take);
    }
  }

  /** Class ids of a tile of an image, as a grey picture. */
  async readMask(
    projectId: string,
    imageId: string,
    query: MaskQuery,
    signal: AbortSignal
  ): Promise<Blob> {
    const url =
      this._url('projects', projectId, 'images', imageId, 'mask') +
      URLExt.objectToQueryString({ ...query });
    return this._requestBlob(url, signal);
  }

  /** Which values of an image are seen. */
  readWindows(
    projectId: string,
    imageId: string,
    query: WindowsQuery
  ): Promise<ChannelWindows> {
    return this._request<ChannelWindows>(
      `projects/${encodeURIComponent(projectId)}/images/` +
        `${encodeURIComponent(imageId)}/windows` +
        URLExt.objectToQueryString({ ...query }),
      { method: 'GET' }
    );
  }

  /** Whether the server still knows who we are; it is asked without counting as somebody at work. */
  async isLoggedIn(): Promise<boolean> {
    const url = URLExt.join(
      this._settings.baseUrl,
      'api/me?no_track_activity=1'
    );
    const response = await ServerConnection.makeRequest(
      url,
      { method: 'GET' },
      this._settings
    );
    if (response.status === 401 || response.status === 403) {
      return false;
    }
    if (!response.ok) {
      throw new UnreachableError(`${response.status} ${response.statusText}`);
    }
    return true;
  }

  /** Where somebody logs in. */
  get loginUrl(): string {
    return URLExt.join(this._settings.baseUrl, 'login');
  }

  /** Every file on its way; nobody asked, so the server may idle. */
  listUploads(): Promise<UploadList> {
    return this._request<UploadList>('uploads?no_track_activity=1', {
      method: 'GET'
    });
  }

  /** Begin to send a file, or find where to go on. */
  beginUpload(asked: NewUpload): Promise<UploadItem> {
    return this._request<UploadItem>('uploads', {
      method: 'POST',
      body: JSON.stringify(asked)
    });
  }

  /** Send the bytes that follow the first `offset`. */
  sendPiece(
    id: string,
    offset: number,
    piece: ArrayBuffer
  ): Promise<UploadItem> {
    const query: PieceQuery = { offset };
    return this._put(
      pathOf('uploads', id) + URLExt.objectToQueryString({ ...query }),
      piece
    );
  }

  answerUpload(id: string, asked: UploadAnswers): Promise<UploadItem> {
    return this._request<UploadItem>(
      `uploads/${encodeURIComponent(id)}/answers`,
      { method: 'POST', body: JSON.stringify(asked) }
    );
  }

  /** Cancel a file on its way, or take one that ended out of the list. */
  removeUpload(id: string): Promise<UploadItem> {
    return this._request<UploadItem>(`uploads/${encodeURIComponent(id)}`, {
      method: 'DELETE'
    });
  }

  private _url(...parts: string[]): string {
    return URLExt.join(this._settings.baseUrl, ROOT, pathOf(...parts));
  }

  private _get<T>(path: string): Promise<T> {
    return this._request<T>(path, { method: 'GET' });
  }

  private _post<T>(path: string, asked: object): Promise<T> {
    return this._request<T>(path, {
      method: 'POST',
      body: JSON.stringify(asked)
    });
  }

  private _put<T>(path: string, piece: ArrayBuffer): Promise<T> {
    return this._request<T>(path, {
      method: 'PUT',
      body: piece,
      headers: { 'Content-Type': 'application/octet-stream' }
    });
  }

  private async _requestBlob(url: string, signal: AbortSignal): Promise<Blob> {
    const init: RequestInit = { method: 'GET', cache: 'default', signal };
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    );
    if (!response.ok) {
      throw new UnreachableError(`${response.status} ${response.statusText}`);
    }
    return response.blob();
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, ROOT) + '/' + path;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch (error) {
      throw new UnreachableError(String(error));
    }
    const body = await readJson(response);
    if (response.ok && body !== undefined) {
      return body as T;
    }
    if (isErrorReply(body)) {
      throw new RefusedError(body.error, response.status);
    }
    if (response.status === 404) {
      throw new ServerPartMissingError(url);
    }
    throw new UnreachableError(`${response.status} ${response.statusText}`);
  }
}

/** The arguments that have a value; others would be sent as the word "undefined" or "null". */
function saidOf(query: TilesQuery): Partial<TilesQuery> {
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value != null)
  );
}

function pathOf(...parts: string[]): string {
  return parts.map(part => encodeURIComponent(part)).join('/');
}

function ofImage(document: IDocumentName, ...parts: string[]): string {
  const { projectId, imageId } = document;
  return pathOf('projects', projectId, 'images', imageId, ...parts);
}

function ofSets(projectId: string, ...parts: string[]): string {
  return pathOf('projects', projectId, 'training-sets', ...parts);
}

function ofRun(run: IRunName, ...parts: string[]): string {
  return pathOf('projects', run.projectId, 'runs', run.runId, ...parts);
}

function ofAssignment(id: string, ...parts: string[]): string {
  return pathOf('courses', 'assignments', id, ...parts);
}

function ofModel(projectId: string, key: string, ...parts: string[]): string {
  return pathOf('projects', projectId, 'models', ...key.split('/'), ...parts);
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined; // a page of the proxy or of the hub, say
  }
}

function isErrorReply(body: unknown): body is ErrorReply {
  const error = (body as Partial<ErrorReply> | null | undefined)?.error;
  return typeof error?.message === 'string' && typeof error.hint === 'string';
}
