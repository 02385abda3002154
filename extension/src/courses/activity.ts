/** Tells the hub where a person is in an assignment: the last cell that was run, whether it stopped, and what is annotated. */

import { type INotebookTracker, NotebookActions } from '@jupyterlab/notebook';

import type { ActivityNote } from '../wire';
import type { CoursesModel } from './model';

const CALM_MS = 4_000; // a notebook that is run from the top is told once
const LONGEST = 200;
const LOOK_MS = 60_000; // drawing runs no cell; the server tells the hub only what is news

/** Listen to the cells of all notebooks. */
export function noteActivity(
  notebooks: INotebookTracker,
  model: CoursesModel
): void {
  const notes = new Map<string, ActivityNote>();
  let timer = 0;
  const send = (): void => {
    timer = 0;
    for (const [id, note] of notes) {
      void model.api.courses.noteActivity(id, note).catch(() => undefined); // the next cell says it again
    }
    notes.clear();
  };
  NotebookActions.executed.connect((_, { cell, error, notebook, success }) => {
    const panel = notebooks.find(({ content }) => content === notebook);
    const path = panel?.context.localPath ?? '';
    const entry = model.entryAt(path);
    if (entry === null) {
      return;
    }
    const name =
      path
        .split('/')
        .pop()
        ?.replace(/\.ipynb$/, '') ?? '';
    const mark = cell.model.getMetadata('nbgrader') as
      { grade_id?: unknown } | undefined;
    const place = notebook.widgets.indexOf(cell) + 1;
    const which = typeof mark?.grade_id === 'string' ? mark.grade_id : place;
    const what = success
      ? ''
      : `${error?.errorName ?? 'Error'}: ${error?.errorValue ?? ''}`;
    notes.set(entry.id, {
      cell: `${name}/${which}`.slice(0, LONGEST),
      error: (what.split('\n')[0] ?? '').slice(0, LONGEST),
      ran: true
    });
    if (timer === 0) {
      timer = window.setTimeout(send, CALM_MS);
    }
  });
}

/** Let the server look, from time to time, how much is annotated of what assignments ask for. */
export function noteAnnotations(model: CoursesModel): void {
  window.setInterval(() => {
    for (const { id } of model.annotating) {
      const note = { cell: '', error: '', ran: false };
      void model.api.courses
        .noteActivity(id, note, true)
        .catch(() => undefined); // in a minute it is looked again
    }
  }, LOOK_MS);
}
