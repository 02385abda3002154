/** What the buttons for authors do. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { DocumentWidget } from '@jupyterlab/docregistry';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';

import { finishJob } from '../quality/jobs';
import type {
  AssignmentEntry,
  AuthorAsk,
  CourseEntry,
  ReleasedReport
} from '../wire';
import type { IAuthorActions } from './author';
import type { CoursesModel } from './model';
import { askForAssignment, askForFolder } from './newassignment';
import { refuseRelease } from './releaserefusal';
import { askForRelease } from './releasing';
import { saveOpen } from './saving';
import { points } from './words';

type Doing = (
  entry: AssignmentEntry,
  busy: string,
  action: () => Promise<void>
) => Promise<void>;

export class AuthorActions implements IAuthorActions {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _model: CoursesModel,
    private readonly _documents: IDocumentManager,
    private readonly _fileBrowser: IDefaultFileBrowser | null,
    private readonly _trans: TranslationBundle,
    private readonly _doing: Doing
  ) {}

  create(course: CourseEntry): void {
    void this._create(course);
  }

  choose(entry: AssignmentEntry): void {
    void this._choose(entry);
  }

  openFolder(entry: AssignmentEntry): void {
    const { authored } = entry;
    if (authored !== null) {
      void this._show(authored.folder, authored.place);
    }
  }

  check(entry: AssignmentEntry): void {
    const trans = this._trans;
    void this._doing(entry, trans.__('Checking…'), async () => {
      const asked = await this._saved(entry);
      const checked = await this._model.api.authoring.checkAssignment(
        entry.id,
        asked
      );
      this._model.setAside(entry.id, { checked });
    });
  }

  preview(entry: AssignmentEntry): void {
    const trans = this._trans;
    void this._doing(
      entry,
      trans.__('Writing what students get…'),
      async () => {
        const asked = await this._saved(entry);
        const made = await this._model.api.authoring.previewAssignment(
          entry.id,
          asked
        );
        this._model.setAside(entry.id, {
          told: [
            trans._n(
              'What students get is in %2: %1 file. The next preview takes its place.',
              'What students get is in %2: %1 files. The next preview takes its place.',
              made.files.length,
              made.place
            )
          ]
        });
        await this._show(made.folder, made.place);
        if (made.open !== null) {
          await this._openAnew(made.open);
        }
      }
    );
  }

  test(entry: AssignmentEntry): void {
    const trans = this._trans;
    void this._doing(entry, trans.__('Saving…'), async () => {
      const asked = await this._saved(entry);
      const stop = new AbortController();
      const show = (done: number, total: number, unit: string): void =>
        this._model.setAside(entry.id, {
          testing: { done, total, unit, stop: () => stop.abort() }
        });
      this._model.setAside(entry.id, { busy: trans.__('Testing…') });
      show(0, 0, '');
      try {
        const { api } = this._model;
        const started = api.authoring.testSolution(entry.id, asked);
        const job = await finishJob(api, started, show, stop.signal);
        this._model.setAside(entry.id, { tested: job.tested });
      } catch (error) {
        if (!stop.signal.aborted) {
          throw error;
        }
      } finally {
        this._model.setAside(entry.id, { testing: null });
      }
    });
  }

  release(entry: AssignmentEntry): void {
    const trans = this._trans;
    const { api } = this._model;
    void this._doing(
      entry,
      trans.__('Looking what students get…'),
      async () => {
        const { documents = [] } = await this._saved(entry);
        const plan = await api.authoring.planRelease(entry.id, { documents });
        if (plan.checked.errors > 0) {
          this._model.setAside(entry.id, { checked: plan.checked });
          await refuseRelease(entry, plan, trans);
          return;
        }
        const done = await askForRelease(api, entry, plan, documents, trans);
        if (done !== null) {
          this._model.setAside(entry.id, {
            told: [releasedWords(done, trans), ...done.notes]
          });
        }
        await this._model.refresh();
      }
    );
  }

  private async _create(course: CourseEntry): Promise<void> {
    const { api } = this._model;
    const trans = this._trans;
    const made = await askForAssignment(api, course, this._here, trans);
    if (made === null) {
      return;
    }
    this._model.setAside(made.id, {
      told: [
        made.made
          ? trans.__(
              'A draft: write in %1, check it, then release it.',
              made.place
            )
          : trans.__(
              'The course had an assignment of this name: it is written in %1 now.',
              made.place
            )
      ]
    });
    await this._model.refresh();
    if (made.open !== null) {
      await this._fileBrowser?.model.cd('/' + folderOf(made.open));
      await this._app.commands.execute('docmanager:open', { path: made.open });
    }
  }

  private async _choose(entry: AssignmentEntry): Promise<void> {
    const { api } = this._model;
    const chosen = await askForFolder(api, entry, this._here, this._trans);
    if (chosen !== null) {
      await this._model.refresh();
    }
  }

  /** The folder that the file browser shows; empty for the home. */
  private get _here(): string {
    const path = this._fileBrowser?.model.path ?? '';
    return this._documents.services.contents.localPath(path);
  }

  /** Save what is open of the folder, and say what is seen of it. */
  private async _saved(entry: AssignmentEntry): Promise<AuthorAsk> {
    const folder = entry.authored?.folder ?? null;
    const documents =
      folder === null ? [] : await saveOpen(this._app, this._documents, folder);
    return { documents };
  }

  /** Show a folder in the file browser; the panel stays in sight. */
  private async _show(folder: string | null, place: string): Promise<void> {
    if (folder === null) {
      await showErrorMessage(
        this._trans.__('This folder is out of sight'),
        this._trans.__(
          'It lies outside of the folder that the file browser shows. In a terminal it is at %1.',
          place
        )
      );
    } else {
      await this._fileBrowser?.model.cd('/' + folder);
    }
  }

  /** Open a file as it is on the disk now, also where an older one of it is open. */
  private async _openAnew(path: string): Promise<void> {
    const isOpen = this._documents.findWidget(path) !== undefined;
    const widget: unknown = await this._app.commands.execute(
      'docmanager:open',
      { path }
    );
    if (isOpen && widget instanceof DocumentWidget) {
      await widget.context.revert();
    }
  }
}

function folderOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

function releasedWords(done: ReleasedReport, trans: TranslationBundle): string {
  const { files, max_points, release, unchanged } = done;
  return unchanged
    ? trans.__(
        'Nothing has changed since release %1: there is no other. What you set holds.',
        release
      )
    : trans._n(
        'Release %2 is out: %1 file, %3 points.',
        'Release %2 is out: %1 files, %3 points.',
        files,
        release,
        points(max_points)
      );
}
