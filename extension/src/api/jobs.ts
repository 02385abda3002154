/** What the server is at work on for this page. */

import type { JobItem } from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

export class JobsApi {
  constructor(private readonly _requests: Requests) {}

  readJob(id: string): Promise<JobItem> {
    return this._requests.get(pathOf('jobs', id));
  }

  /** Cancel a job, or forget one that ended. */
  endJob(id: string): Promise<JobItem> {
    return this._requests.delete(pathOf('jobs', id));
  }

  /** Address of the file that an export made. */
  jobFileUrl(id: string): string {
    return this._requests.url('jobs', id, 'file');
  }
}
