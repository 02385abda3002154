/** A part of the quality view that asks the server for work and shows its report. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import type { JobItem } from '../wire';
import { finishJob } from './jobs';
import { ErrorNote, Working } from './notes';
import { errorWords } from './words';

/** Work under way or ended. */
export interface ITask {
  readonly job: JobItem | null;
  readonly isRunning: boolean;
  /** Begin; what ran before is given up. */
  run(start: () => Promise<JobItem>): void;
  /** How far it is, or why it failed. */
  readonly note: React.JSX.Element | null;
}

export function useTask(
  api: LabKitApi,
  label: string,
  trans: TranslationBundle
): ITask {
  const [job, setJob] = React.useState<JobItem | null>(null);
  const [step, setStep] = React.useState<readonly [number, number] | null>(
    null
  );
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  const stop = React.useRef<AbortController | null>(null);
  React.useEffect(() => () => stop.current?.abort(), []);

  const run = (start: () => Promise<JobItem>): void => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    const ifCurrent = (change: () => void): void => {
      if (stop.current === own) {
        change();
      }
    };
    setJob(null);
    setError(null);
    setStep([0, 0]);
    finishJob(
      api,
      start(),
      (done, total) => ifCurrent(() => setStep([done, total])),
      own.signal
    )
      .then(found => ifCurrent(() => setJob(found)))
      .catch((reason: unknown) =>
        ifCurrent(() => setError(errorWords(reason, trans)))
      )
      .finally(() => ifCurrent(() => setStep(null)));
  };
  const note =
    step !== null ? (
      <Working
        label={label}
        step={step}
        trans={trans}
        onCancel={() => stop.current?.abort()}
      />
    ) : error !== null ? (
      <ErrorNote words={error} />
    ) : null;
  return { job, isRunning: step !== null, run, note };
}
