/** The dialog of a new run. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { LabKitApi } from '../api';
import { WorkingDialog } from '../quality/workingdialog';
import type { RunItem } from '../wire';
import { NewRunForm } from './newrunform';

/** Ask for a new run, of the newest training set or one that is named, and start it; null when the person changed their mind. */
export async function askForRun(
  api: LabKitApi,
  projectId: string,
  trans: TranslationBundle,
  trainingSet?: string
): Promise<RunItem | null> {
  const body = new NewRunForm(api, projectId, trans, trainingSet);
  const dialog = new WorkingDialog(
    trans.__('New run'),
    body,
    trans.__('Start'),
    trans
  );
  dialog.addClass('labkit-NewRun-dialog');
  body.started.then(
    () => dialog.reject(),
    () => undefined
  );
  await dialog.launch();
  body.dispose();
  return body.run;
}
