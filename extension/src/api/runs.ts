/** Runs of a project. */

import { URLExt } from '@jupyterlab/coreutils';

import type {
  CompareAsk,
  CompareReport,
  NewRun,
  PlanReply,
  RunForm,
  RunItem,
  RunList,
  RunMove,
  StoryItem,
  StoryQuery
} from '../wire';
import { pathOf, unasked } from './paths';
import type { Requests } from './requests';

/** Which run of which project. */
export interface IRunName {
  readonly projectId: string;
  readonly runId: string;
}

export class RunsApi {
  constructor(private readonly _requests: Requests) {}

  /**
   * The runs of a project.
   *
   * @param background - Whether nobody asked.
   */
  listRuns(projectId: string, background: boolean): Promise<RunList> {
    return this._requests.get(
      pathOf('projects', projectId, 'runs') + unasked(background)
    );
  }

  /** What a run tells, as soon as there is news; nobody asked, and a run under way keeps the server alive itself. */
  readStory(
    run: IRunName,
    asked: StoryQuery,
    signal: AbortSignal
  ): Promise<StoryItem> {
    const query = { ...asked, no_track_activity: 1 };
    return this._requests.ask(
      ofRun(run, 'story') + URLExt.objectToQueryString(query),
      { method: 'GET', signal }
    );
  }

  /** Address of the sample predictions of a run; another mark is another picture. */
  samplesUrl(run: IRunName, mark: string): string {
    return (
      this._requests.url(
        'projects',
        run.projectId,
        'runs',
        run.runId,
        'samples'
      ) + URLExt.objectToQueryString({ mark })
    );
  }

  /** Stop a run, start it again, or go on where it stopped. */
  changeRun(
    run: IRunName,
    how: 'cancel' | 'retry' | 'resume'
  ): Promise<RunItem> {
    return this._requests.post(ofRun(run, how), {});
  }

  moveRun(run: IRunName, asked: RunMove): Promise<RunItem> {
    return this._requests.post(ofRun(run, 'move'), asked);
  }

  /** What can be chosen for a new run. */
  readRunForm(projectId: string): Promise<RunForm> {
    return this._requests.get(pathOf('projects', projectId, 'runs', 'form'));
  }

  /** What would be done, or what is in its way; nothing is started. */
  planRun(
    projectId: string,
    asked: NewRun,
    signal: AbortSignal
  ): Promise<PlanReply> {
    return this._requests.ask(pathOf('projects', projectId, 'runs', 'plan'), {
      method: 'POST',
      body: JSON.stringify(asked),
      signal
    });
  }

  startRun(projectId: string, asked: NewRun): Promise<RunItem> {
    return this._requests.post(pathOf('projects', projectId, 'runs'), asked);
  }

  /** Runs or models side by side. */
  compareRuns(projectId: string, asked: CompareAsk): Promise<CompareReport> {
    return this._requests.post(
      pathOf('projects', projectId, 'runs', 'compare'),
      asked
    );
  }
}

function ofRun(run: IRunName, ...parts: string[]): string {
  return pathOf('projects', run.projectId, 'runs', run.runId, ...parts);
}
