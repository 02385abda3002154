/** Assignments, for who writes them. */

import type {
  AuthorAsk,
  AuthorFolderList,
  CheckedReport,
  FolderAsk,
  JobItem,
  MadeItem,
  NewAssignmentAsk,
  PreviewItem,
  ReleaseAsk,
  ReleasePlan
} from '../wire';
import { ofAssignment, pathOf } from './paths';
import type { Requests } from './requests';

export class AuthoringApi {
  constructor(private readonly _requests: Requests) {}

  /** The folders of assignments in this home, with what each is of in a course. */
  listAuthorFolders(course: string): Promise<AuthorFolderList> {
    return this._requests.get(pathOf('courses', course, 'folders'));
  }

  makeAssignment(course: string, asked: NewAssignmentAsk): Promise<MadeItem> {
    return this._requests.post(pathOf('courses', course, 'assignments'), asked);
  }

  /** Say in which folder an assignment is written. */
  chooseAuthorFolder(id: string, asked: FolderAsk): Promise<MadeItem> {
    return this._requests.post(ofAssignment(id, 'folder'), asked);
  }

  checkAssignment(id: string, asked: AuthorAsk): Promise<CheckedReport> {
    return this._requests.post(ofAssignment(id, 'check'), asked);
  }

  /** Write what students get into a folder. */
  previewAssignment(id: string, asked: AuthorAsk): Promise<PreviewItem> {
    return this._requests.post(ofAssignment(id, 'preview'), asked);
  }

  /** Grade an assignment with its own solution. */
  testSolution(id: string, asked: AuthorAsk): Promise<JobItem> {
    return this._requests.post(ofAssignment(id, 'solution'), asked);
  }

  planRelease(id: string, asked: AuthorAsk): Promise<ReleasePlan> {
    return this._requests.post(ofAssignment(id, 'release-plan'), asked);
  }

  releaseAssignment(id: string, asked: ReleaseAsk): Promise<JobItem> {
    return this._requests.post(ofAssignment(id, 'release'), asked);
  }
}
