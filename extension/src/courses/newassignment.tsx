/** The dialogs that ask for a new assignment, and for the folder of one. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import { WorkingBody, WorkingDialog } from '../quality/workingdialog';
import type {
  AssignmentEntry,
  AuthorFolderItem,
  CourseEntry,
  MadeItem
} from '../wire';

const CLOSE = 0;

/**
 * Ask for a new assignment; null when the person changed their mind.
 *
 * @param here - The folder that the file browser shows; empty for the home.
 */
export async function askForAssignment(
  api: LabKitApi,
  course: CourseEntry,
  here: string,
  trans: TranslationBundle
): Promise<MadeItem | null> {
  return ask(
    new FolderForm(api, course.id, here, true, trans, asked =>
      api.authoring.makeAssignment(course.id, asked)
    ),
    trans.__('New assignment in %1', course.title),
    trans.__('Make'),
    trans
  );
}

/** Ask in which folder an assignment is written. */
export async function askForFolder(
  api: LabKitApi,
  entry: AssignmentEntry,
  here: string,
  trans: TranslationBundle
): Promise<MadeItem | null> {
  return ask(
    new FolderForm(api, entry.course, here, false, trans, ({ folder }) =>
      api.authoring.chooseAuthorFolder(entry.id, { folder })
    ),
    trans.__('Where %1 is written', entry.name),
    trans.__('Take this folder'),
    trans
  );
}

async function ask(
  form: FolderForm,
  title: string,
  accept: string,
  trans: TranslationBundle
): Promise<MadeItem | null> {
  const dialog = new WorkingDialog(title, form, accept, trans);
  form.onDone = () => dialog.resolve(CLOSE);
  await dialog.launch();
  return form.made;
}

interface IAsked {
  readonly folder: string;
  readonly sample: boolean;
}

/** A sample with a name, or a folder that exists. */
class FolderForm extends WorkingBody {
  constructor(
    private readonly _api: LabKitApi,
    private readonly _course: string,
    private readonly _here: string,
    private readonly _withSample: boolean,
    private readonly _trans: TranslationBundle,
    private readonly _make: (asked: IAsked) => Promise<MadeItem>
  ) {
    super();
    this.addClass('labkit-Form');
    this._isSample = _withSample;
    this._folder = _here;
    void this._load();
  }

  onDone: () => void = () => undefined;

  /** What was made or chosen, once the server has done it. */
  get made(): MadeItem | null {
    return this._made;
  }

  override submit(): void {
    if (!this._isBusy) {
      void this._submit();
    }
  }

  protected override render(): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        {this._withSample && (
          <fieldset className="labkit-Author-choice">
            <legend>{trans.__('Begin with')}</legend>
            {this._choice(trans.__('a sample to write yours into'), true)}
            {this._choice(trans.__('a folder that I have'), false)}
          </fieldset>
        )}
        {this._isSample ? this._nameField() : this._folderField()}
        {this._isBusy && <p role="status">{trans.__('Working…')}</p>}
        <ErrorNote words={this._error} />
      </>
    );
  }

  private _choice(label: string, isSample: boolean): React.JSX.Element {
    return (
      <label className="labkit-Form-check">
        <input
          type="radio"
          name="labkit-new-assignment"
          checked={this._isSample === isSample}
          onChange={() => {
            this._isSample = isSample;
            this._error = null;
            this.update();
          }}
        />
        {label}
      </label>
    );
  }

  private _nameField(): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        <label>
          {trans.__('Name of the assignment')}
          <input
            type="text"
            className="jp-mod-styled"
            autoComplete="off"
            spellCheck={false}
            value={this._name}
            onChange={event => {
              this._name = event.currentTarget.value;
              this.update();
            }}
          />
        </label>
        <p className="labkit-Author-hint">
          {trans.__(
            'Its folder, in your home, is called so, too. Students see nothing until you release it.'
          )}
        </p>
      </>
    );
  }

  private _folderField(): React.JSX.Element {
    const trans = this._trans;
    return (
      <>
        <label>
          {trans.__('Folder')}
          <select
            value={this._folder}
            onChange={event => {
              this._folder = event.currentTarget.value;
              this.update();
            }}
          >
            {this._choices().map(({ folder, words }) => (
              <option key={folder} value={folder}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <p className="labkit-Author-hint">
          {trans.__(
            'Listed are folders with an assignment.yaml, and the one that the file browser shows. The assignment is called as its folder.'
          )}
        </p>
      </>
    );
  }

  private _choices(): Array<{ folder: string; words: string }> {
    const trans = this._trans;
    const found = this._folders.map(({ assignment, folder, place }) => ({
      folder,
      words:
        assignment === ''
          ? place
          : trans.__('%1 (of the assignment %2)', place, assignment)
    }));
    const isListed = found.some(({ folder }) => folder === this._here);
    const here = {
      folder: this._here,
      words:
        this._here === ''
          ? trans.__('(choose a folder)')
          : trans.__('%1 (in the file browser)', this._here)
    };
    return isListed ? found : [here, ...found];
  }

  private async _load(): Promise<void> {
    try {
      const { folders } = await this._api.authoring.listAuthorFolders(
        this._course
      );
      this._folders = folders;
      // the file browser may well show something else, such as a preview
      const free = folders.filter(({ assignment }) => assignment === '');
      const fit = free.find(({ folder }) => folder === this._here) ?? free[0];
      this._folder = fit?.folder ?? this._here;
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._show();
  }

  /** Draw again, unless the dialog was closed meanwhile. */
  private _show(): void {
    if (!this.isDisposed) {
      this.update();
    }
  }

  private async _submit(): Promise<void> {
    this._isBusy = true;
    this._error = null;
    this.update();
    try {
      const folder = this._isSample ? this._name.trim() : this._folder;
      this._made = await this._make({ folder, sample: this._isSample });
      this.onDone(); // closes the dialog, and this with it
      return;
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this._isBusy = false;
    this._show();
  }

  private _isSample: boolean;
  private _name = '';
  private _folder: string;
  private _folders: ReadonlyArray<AuthorFolderItem> = [];
  private _isBusy = false;
  private _error: readonly [string, string] | null = null;
  private _made: MadeItem | null = null;
}
