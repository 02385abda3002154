/** The dialog that asks what a file leaves open. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { FileQuestion } from './wire';

/** What was answered, and whether it goes for all files of the drop. */
export interface IAnswered {
  readonly answers: Readonly<Record<string, string>>;
  readonly forAll: boolean;
}

/**
 * Ask; null when the person wants to decide later.
 *
 * @param companions - How many other files were dropped together with it.
 */
export async function askQuestions(
  name: string,
  questions: readonly FileQuestion[],
  companions: number,
  trans: TranslationBundle
): Promise<IAnswered | null> {
  const form = new QuestionsForm(questions, companions, trans);
  const dialog = new Dialog<IAnswered>({
    title: name,
    body: form,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Later') }),
      Dialog.okButton({ label: trans.__('Import') })
    ],
    defaultButton: 1,
    focusNodeSelector: 'input:checked'
  });
  dialog.addClass('labkit-Questions-dialog');
  const result = await dialog.launch();
  return result.button.accept ? form.getValue() : null;
}

/** Each question with its answers as radio buttons, the default chosen. */
class QuestionsForm extends Widget implements Dialog.IBodyWidget<IAnswered> {
  constructor(
    private readonly _questions: readonly FileQuestion[],
    companions: number,
    trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Questions');
    for (const question of _questions) {
      this.node.append(fieldsetOf(question));
    }
    if (companions > 0) {
      const label = document.createElement('label');
      label.className = 'labkit-Questions-all';
      this._forAll.type = 'checkbox';
      label.append(
        this._forAll,
        trans.__('The same for all files that I dropped with it')
      );
      this.node.append(label);
    }
  }

  getValue(): IAnswered {
    const answers = Object.fromEntries(
      this._questions.map(({ key, default: usual }) => [
        key,
        this.node.querySelector<HTMLInputElement>(
          `input[name="labkit-question-${key}"]:checked`
        )?.value ?? usual
      ])
    );
    return { answers, forAll: this._forAll.checked };
  }

  private readonly _forAll = document.createElement('input');
}

function fieldsetOf(question: FileQuestion): HTMLFieldSetElement {
  const set = document.createElement('fieldset');
  const legend = document.createElement('legend');
  legend.textContent = question.text;
  set.append(legend);
  for (const option of question.options) {
    const label = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'radio';
    input.name = `labkit-question-${question.key}`;
    input.value = option.value;
    input.checked = option.value === question.default;
    label.append(input, option.text);
    set.append(label);
  }
  return set;
}
