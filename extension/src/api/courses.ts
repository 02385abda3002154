/** Assignments, for who works on them. */

import { URLExt } from '@jupyterlab/coreutils';

import type {
  ActivityNote,
  AskedAnnotations,
  CourseWork,
  FeedbackItem,
  FetchReport,
  HistoryList,
  JobItem,
  NotedItem,
  ReceiptItem,
  SendAsk,
  SendPlan,
  TrialAsk
} from '../wire';
import { ofAssignment, unasked } from './paths';
import type { Requests } from './requests';

export class CoursesApi {
  constructor(private readonly _requests: Requests) {}

  /**
   * What there is to do in all courses.
   *
   * @param background - Whether nobody asked.
   */
  readCourses(background: boolean): Promise<CourseWork> {
    return this._requests.get('courses' + unasked(background));
  }

  /** Bring the latest release into its folder. */
  fetchAssignment(id: string): Promise<FetchReport> {
    return this._requests.post(ofAssignment(id, 'fetch'), {});
  }

  /** What would be handed in; refused where a file on the disk is another than what is seen. */
  planSending(id: string, asked: SendAsk): Promise<SendPlan> {
    return this._requests.post(ofAssignment(id, 'sending'), asked);
  }

  /** Which annotations an assignment may mean. */
  readAskedAnnotations(id: string): Promise<AskedAnnotations> {
    return this._requests.get(ofAssignment(id, 'annotations'));
  }

  /** Hand in what was confirmed. */
  submitAssignment(id: string, asked: SendAsk): Promise<ReceiptItem> {
    return this._requests.post(ofAssignment(id, 'submit'), asked);
  }

  /** Run the notebooks of an assignment and the tests in them. */
  tryAssignment(id: string, asked: TrialAsk): Promise<JobItem> {
    return this._requests.post(ofAssignment(id, 'trial'), asked);
  }

  readHistory(id: string): Promise<HistoryList> {
    return this._requests.get(ofAssignment(id, 'submissions'));
  }

  /** What came back; without a submission, of the one that counts. */
  readFeedback(id: string, submission: string): Promise<FeedbackItem> {
    const query = URLExt.objectToQueryString({ submission });
    return this._requests.get(ofAssignment(id, 'feedback') + query);
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
    return this._requests.post(
      ofAssignment(id, 'activity') + unasked(background),
      note
    );
  }
}
