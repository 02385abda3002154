/** Training sets of a project. */

import { URLExt } from '@jupyterlab/coreutils';

import type {
  ComparisonReport,
  JobItem,
  PreviewAsk,
  SetAsk,
  SetList,
  SetsQuery
} from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

export class SetsApi {
  constructor(private readonly _requests: Requests) {}

  /** The training sets of a project, and what another can be made of. */
  listSets(projectId: string): Promise<SetList> {
    return this._requests.get(ofSets(projectId));
  }

  /** Find out what would come of a wish; nothing is written. */
  planSet(projectId: string, asked: SetAsk): Promise<JobItem> {
    return this._requests.post(ofSets(projectId, 'plan'), asked);
  }

  buildSet(projectId: string, asked: SetAsk): Promise<JobItem> {
    return this._requests.post(ofSets(projectId, 'build'), asked);
  }

  /** Draw chips of a wish beside what training makes of them. */
  previewSet(projectId: string, asked: PreviewAsk): Promise<JobItem> {
    return this._requests.post(ofSets(projectId, 'preview'), asked);
  }

  /** Find out what a set would be now. */
  changesSince(projectId: string, key: string): Promise<JobItem> {
    return this._requests.post(ofSets(projectId, key, 'changes'), {});
  }

  compareSets(
    projectId: string,
    one: string,
    other: string
  ): Promise<ComparisonReport> {
    const query: SetsQuery = { one, other };
    return this._requests.get(
      ofSets(projectId, 'compare') + URLExt.objectToQueryString({ ...query })
    );
  }
}

function ofSets(projectId: string, ...parts: string[]): string {
  return pathOf('projects', projectId, 'training-sets', ...parts);
}
