/** A dialog whose accept button begins work and leaves the dialog open, so that its outcome is read there. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';

const ACCEPT = 1;

/** What a dialog shows, and what its accept button does. */
export abstract class WorkingBody
  extends ReactWidget
  implements Dialog.IBodyWidget<void>
{
  abstract submit(): void;

  getValue(): void {
    return undefined;
  }
}

export class WorkingDialog extends Dialog<void> {
  constructor(
    title: string,
    private readonly _form: WorkingBody,
    acceptLabel: string,
    trans: TranslationBundle
  ) {
    super({
      title,
      body: _form,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Close') }),
        Dialog.okButton({ label: acceptLabel })
      ],
      defaultButton: ACCEPT,
      focusNodeSelector: 'select, input'
    });
    this.addClass('labkit-Working-dialog');
  }

  override resolve(index: number = ACCEPT): void {
    if (index === ACCEPT) {
      this._form.submit();
    } else {
      super.resolve(index);
    }
  }
}
