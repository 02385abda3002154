/** What is done with an image from its row: open it, take the next one, send annotations out and in. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { LabKitApi } from './api';
import { ANNOTATE } from './commands';
import { documentBoard } from './documents';
import type { IImageActions } from './images';
import { exportDialog } from './quality/exportdialog';
import { importDialog } from './quality/importdialog';
import { clock, errorWords } from './quality/words';
import type { ImageItem } from './wire';

/** The model of the panel, as far as it is needed here. */
export interface IRefreshing {
  readonly model: { refresh(): Promise<void> };
}

export function imageActions(
  app: JupyterFrontEnd,
  api: LabKitApi,
  panel: IRefreshing,
  trans: TranslationBundle
): IImageActions {
  const open = (
    projectId: string,
    imageId: string,
    title: string,
    author = ''
  ): void =>
    void app.commands.execute(ANNOTATE, { projectId, imageId, title, author });
  const noteChange = (): void => {
    documentBoard.noteChange({ document: null, what: 'objects' });
    void panel.model.refresh();
  };
  return {
    annotate: async (project, image, me) => {
      if (await isFree(image, me, trans)) {
        open(project.id, image.id, image.name);
      }
    },
    openDocument: (project, image, author) =>
      open(project.id, image.id, `${image.name} (${author})`, author),
    nextImage: async project => {
      try {
        const { image_id, image } = await api.documents.claimNext(project.id);
        if (image_id === null) {
          Notification.info(
            trans.__(
              'No image of %1 is free: each is done, in review, or somebody is at work on it.',
              project.title
            )
          );
          return;
        }
        open(project.id, image_id, image ?? image_id);
        documentBoard.noteChange({ document: null, what: 'review' });
      } catch (error) {
        Notification.error(errorWords(error, trans).join(' '));
      }
    },
    exportAnnotations: (project, image, authors, me) =>
      void exportDialog(api, project, image, authors, me, trans),
    importAnnotations: (project, image, me) =>
      void importDialog(api, project, image, me, noteChange, trans)
  };
}

/** Whether nobody else is at work on an image, or the person goes on knowing it: what is drawn is theirs, and saved in any case. */
async function isFree(
  image: ImageItem,
  me: string,
  trans: TranslationBundle
): Promise<boolean> {
  const { claimed_by, claimed_until } = image;
  const isHeld =
    claimed_by !== null &&
    claimed_until !== null &&
    claimed_by !== me &&
    new Date(claimed_until) > new Date();
  if (!isHeld) {
    return true;
  }
  const result = await showDialog({
    title: trans.__('%1 is annotating this image', claimed_by),
    body: trans.__(
      '%1 has it until %2. You can open it all the same: you draw into annotations of your own, and both are saved.',
      claimed_by,
      clock(claimed_until)
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Open anyway') })
    ]
  });
  return result.button.accept;
}
