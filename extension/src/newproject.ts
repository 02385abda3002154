/** The dialog that asks for a new project, and stays open until there is one. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { RefusedError } from './api';
import type { NewProject, ProjectItem } from './wire';

const CREATE = 1;

/** Ask for a new project; null when the person changed their mind. */
export async function askForProject(
  create: (asked: NewProject) => Promise<ProjectItem>,
  trans: TranslationBundle
): Promise<ProjectItem | null> {
  const dialog = new NewProjectDialog(create, trans);
  await dialog.launch();
  return dialog.created;
}

/** Takes its accept button for a question to the server, not for an answer. */
class NewProjectDialog extends Dialog<NewProject> {
  constructor(
    private readonly _create: (asked: NewProject) => Promise<ProjectItem>,
    private readonly _trans: TranslationBundle
  ) {
    const form = new NewProjectForm(_trans);
    super({
      title: _trans.__('New project'),
      body: form,
      buttons: [
        Dialog.cancelButton({ label: _trans.__('Cancel') }),
        Dialog.okButton({ label: _trans.__('Create') })
      ],
      defaultButton: CREATE,
      focusNodeSelector: 'input'
    });
    this._form = form;
    this.addClass('labkit-NewProject-dialog');
  }

  /** The project, once the server has made it. */
  get created(): ProjectItem | null {
    return this._created;
  }

  override resolve(index: number = CREATE): void {
    if (index !== CREATE) {
      super.resolve(index);
    } else if (!this._waiting) {
      void this._submit();
    }
  }

  private async _submit(): Promise<void> {
    this._waiting = true;
    this._form.showWaiting();
    try {
      this._created = await this._create(this._form.getValue());
      super.resolve(CREATE);
    } catch (error) {
      this._form.showError(...this._wordsOf(error));
    } finally {
      this._waiting = false;
    }
  }

  private _wordsOf(error: unknown): [message: string, hint: string] {
    if (error instanceof RefusedError) {
      return [error.message, error.hint];
    }
    const trans = this._trans;
    return [
      trans.__('The server did not make the project.'),
      trans.__('Check the connection and try again.')
    ];
  }

  private readonly _form: NewProjectForm;
  private _created: ProjectItem | null = null;
  private _waiting = false;
}

/** Two fields and a place for what is wrong with them. */
class NewProjectForm extends Widget implements Dialog.IBodyWidget<NewProject> {
  constructor(private readonly _trans: TranslationBundle) {
    super();
    this.addClass('labkit-NewProject');
    this._name = this._addField(
      'labkit-new-project-name',
      _trans.__('Name'),
      _trans.__('Also the name of its folder, for example "nuclei".')
    );
    this._classes = this._addField(
      'labkit-new-project-classes',
      _trans.__('Classes (optional)'),
      _trans.__(
        'What you will look for, separated by commas: "axon, myelin". More can be added later.'
      )
    );
    this._status.className = 'labkit-NewProject-status';
    this._status.setAttribute('role', 'alert');
    this.node.append(this._status);
  }

  getValue(): NewProject {
    const classes = this._classes.value.split(',').map(name => name.trim());
    return {
      name: this._name.value.trim(),
      classes: classes.filter(name => name !== '')
    };
  }

  showWaiting(): void {
    this._name.removeAttribute('aria-invalid');
    this._status.classList.remove('labkit-mod-error');
    this._status.textContent = this._trans.__('Creating the project…');
  }

  showError(message: string, hint: string): void {
    const what = document.createElement('strong');
    what.textContent = message;
    const next = document.createElement('span');
    next.textContent = hint;
    this._status.classList.add('labkit-mod-error');
    this._status.replaceChildren(what, ' ', next);
    this._name.setAttribute('aria-invalid', 'true');
    this._name.focus();
    this._name.select();
  }

  private _addField(id: string, label: string, help: string): HTMLInputElement {
    const labelNode = document.createElement('label');
    labelNode.htmlFor = id;
    labelNode.textContent = label;
    const input = document.createElement('input');
    input.id = id;
    input.type = 'text';
    input.className = 'jp-mod-styled';
    input.autocomplete = 'off';
    input.spellcheck = false;
    input.setAttribute('aria-describedby', `${id}-help`);
    const helpNode = document.createElement('p');
    helpNode.id = `${id}-help`;
    helpNode.textContent = help;
    this.node.append(labelNode, input, helpNode);
    return input;
  }

  private readonly _name: HTMLInputElement;
  private readonly _classes: HTMLInputElement;
  private readonly _status = document.createElement('div');
}
