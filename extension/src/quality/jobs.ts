/** Work of the server that takes its time, followed to its end. */

import { type LabKitApi, RefusedError } from '../api';
import type { JobItem } from '../wire';

const SOON_MS = 150;
const LATER_MS = 1000;
const TRIES = 5; // without an answer: a connection comes back

/** How far the work is: `total` is 0 while nobody knows, `unit` empty where it does not say what it counts. */
export type OnStep = (done: number, total: number, unit: string) => void;

/**
 * Wait for the end of a job, and return it with its report.
 *
 * @throws RefusedError - With the job's own words if it failed.
 */
export async function finishJob(
  api: LabKitApi,
  started: Promise<JobItem>,
  onStep: OnStep = () => undefined,
  signal?: AbortSignal
): Promise<JobItem> {
  let job = await started;
  let wait = SOON_MS;
  let lost = 0;
  while (job.state === 'running') {
    onStep(job.done, job.total, job.unit);
    await new Promise(resolve => setTimeout(resolve, wait));
    wait = Math.min(wait * 1.5, LATER_MS);
    try {
      job = await (signal?.aborted
        ? api.jobs.endJob(job.id)
        : api.jobs.readJob(job.id));
      lost = 0;
    } catch (error) {
      lost += 1;
      if (error instanceof RefusedError || lost > TRIES) {
        throw error;
      }
    }
  }
  if (job.state !== 'done') {
    const { message, hint } = job;
    throw new RefusedError({ type: job.state, message, hint }, 400);
  }
  return job;
}
