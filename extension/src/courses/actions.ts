/** What the buttons of the Course panel do. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import { FEEDBACK } from '../commands';
import { finishJob } from '../quality/jobs';
import { errorWords } from '../quality/words';
import type { AssignmentEntry, FetchReport, SavedDocument } from '../wire';
import type { IAuthorActions } from './author';
import { AuthorActions } from './authoring';
import type { CoursesModel } from './model';
import { NotSavedError, saveOpen, unsavedAnnotations } from './saving';
import { confirmSending, showReceipt } from './sending';
import type { ICourseActions } from './view';

export class CourseActions implements ICourseActions {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _model: CoursesModel,
    private readonly _documents: IDocumentManager,
    private readonly _fileBrowser: IDefaultFileBrowser | null,
    private readonly _trans: TranslationBundle
  ) {
    this.author = new AuthorActions(
      _app,
      _model,
      _documents,
      _fileBrowser,
      _trans,
      (entry, busy, action) => this._doing(entry, busy, action)
    );
  }

  readonly author: IAuthorActions;

  refresh(): void {
    void this._model.refresh();
  }

  fetch(entry: AssignmentEntry): void {
    const trans = this._trans;
    void this._doing(entry, trans.__('Fetching…'), async () => {
      await this._save(entry); // what is typed and not saved is a change, too, and must be kept
      const report = await this._model.api.courses.fetchAssignment(entry.id);
      this._model.setAside(entry.id, { told: fetchedWords(report, trans) });
      await this._model.refresh();
    });
  }

  open(entry: AssignmentEntry): void {
    void this._open(entry);
  }

  validate(entry: AssignmentEntry): void {
    const trans = this._trans;
    void this._doing(entry, trans.__('Saving…'), async () => {
      await this._save(entry);
      const unsaved = await unsavedAnnotations(this._model.api, entry);
      const stop = new AbortController();
      const show = (done: number, total: number): void =>
        this._model.setAside(entry.id, {
          trying: { done, total, stop: () => stop.abort() }
        });
      show(0, 0);
      try {
        const started = this._model.api.courses.tryAssignment(entry.id, {
          unsaved
        });
        const job = await finishJob(
          this._model.api,
          started,
          show,
          stop.signal
        );
        this._model.setAside(entry.id, { trial: job.tried });
      } catch (error) {
        if (!stop.signal.aborted) {
          throw error;
        }
      } finally {
        this._model.setAside(entry.id, { trying: null });
      }
    });
  }

  submit(entry: AssignmentEntry): void {
    const trans = this._trans;
    const { api } = this._model;
    void this._doing(entry, trans.__('Saving…'), async () => {
      const documents = await this._save(entry);
      const plan = await api.courses.planSending(entry.id, {
        documents,
        unsaved: await unsavedAnnotations(api, entry)
      });
      const isWanted = await confirmSending(
        entry,
        plan,
        this._model.now,
        trans
      );
      if (!isWanted) {
        return;
      }
      this._model.setAside(entry.id, { busy: trans.__('Sending…') });
      const receipt = await api.courses.submitAssignment(entry.id, {
        documents,
        seen: plan.sha256,
        unsaved: await unsavedAnnotations(api, entry)
      });
      this._model.setAside(entry.id, { busy: '', history: null });
      await this._model.refresh();
      await showReceipt(receipt, trans);
    });
  }

  history(entry: AssignmentEntry): void {
    if (this._model.aside(entry.id).history) {
      this._model.setAside(entry.id, { history: null });
      return;
    }
    void this._doing(entry, '', async () => {
      const history = await this._model.api.courses.readHistory(entry.id);
      this._model.setAside(entry.id, { history });
    });
  }

  feedback(entry: AssignmentEntry, submission: string): void {
    void this._app.commands.execute(FEEDBACK, {
      assignment: entry.id,
      name: entry.name,
      submission
    });
  }

  jump(path: string, index: number, gradeId: string): void {
    void this._jump(path, index, gradeId);
  }

  private async _open(entry: AssignmentEntry): Promise<void> {
    const { folder } = entry;
    if (folder === null) {
      await showErrorMessage(
        this._trans.__('This folder is out of sight'),
        this._trans.__(
          'It lies outside of the folder that the file browser shows. In a terminal it is at %1.',
          entry.place
        )
      );
      return;
    }
    if (this._fileBrowser !== null) {
      await this._fileBrowser.model.cd('/' + folder);
    }
    const [first] = entry.notebooks;
    if (first !== undefined) {
      await this._app.commands.execute('docmanager:open', {
        path: `${folder}/${first}`
      });
    } else if (this._fileBrowser !== null) {
      this._app.shell.activateById(this._fileBrowser.id);
    }
  }

  /** Go to a cell: to that with the id, which may have moved, else to the place. */
  private async _jump(
    path: string,
    index: number,
    gradeId: string
  ): Promise<void> {
    const widget: unknown = await this._app.commands.execute(
      'docmanager:open',
      { path }
    );
    if (!(widget instanceof NotebookPanel)) {
      return;
    }
    await widget.revealed;
    const { content } = widget;
    const named = content.widgets.findIndex(({ model }) => {
      const mark = model.getMetadata('nbgrader') as
        { grade_id?: unknown } | undefined;
      return gradeId !== '' && mark?.grade_id === gradeId;
    });
    content.activeCellIndex = named >= 0 ? named : index;
    await content.scrollToItem(content.activeCellIndex, 'center');
    content.activate();
  }

  private async _save(entry: AssignmentEntry): Promise<SavedDocument[]> {
    return entry.folder === null
      ? []
      : saveOpen(this._app, this._documents, entry.folder);
  }

  /** Do something with an assignment, and say what is against it. */
  private async _doing(
    entry: AssignmentEntry,
    busy: string,
    action: () => Promise<void>
  ): Promise<void> {
    const before = { told: [], trial: null, checked: null, tested: null };
    this._model.setAside(entry.id, { ...before, busy });
    try {
      await action();
    } catch (error) {
      await showErrorMessage(...this._words(error));
    } finally {
      this._model.setAside(entry.id, { busy: '' });
    }
  }

  private _words(error: unknown): [message: string, hint: string] {
    const trans = this._trans;
    if (error instanceof NotSavedError) {
      return [
        trans.__('%1 could not be saved', error.path),
        trans.__(
          'Nothing was fetched, submitted or released. Look whether the server still answers and whether there is room on the disk, then try again.'
        )
      ];
    }
    return errorWords(error, trans);
  }
}

function fetchedWords(report: FetchReport, trans: TranslationBundle): string[] {
  const words = [
    trans.__('Release %1 is in %2.', report.release, report.place)
  ];
  if (report.renewed.length > 0) {
    words.push(
      trans.__(
        'Renewed: %1. What is open of it shows the new one after File, Reload from Disk.',
        report.renewed.join(', ')
      )
    );
  }
  const beside = new Map(report.beside.map(one => [one.path, one.beside]));
  for (const path of report.kept) {
    const other = beside.get(path);
    words.push(
      other === undefined
        ? trans.__('Kept as you have changed it: %1.', path)
        : trans.__(
            'Kept as you have changed it: %1. The new one lies beside it: %2.',
            path,
            other
          )
    );
  }
  return words;
}
