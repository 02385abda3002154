/**
 * Says what becomes of a cell of an assignment: for who writes one. The metadata are nbgrader's, as its own toolbar writes them where it is
 * installed.
 */

import { InputDialog } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

type Cell = NonNullable<INotebookTracker['activeCell']>;

/** As `labkit.courses.cells` reads it. */
interface IMark {
  readonly schema_version: 3;
  readonly grade: boolean;
  readonly solution: boolean;
  readonly locked: boolean;
  readonly task: boolean;
  readonly grade_id: string;
  readonly points?: number;
}

type Flags = Pick<IMark, 'grade' | 'solution' | 'locked' | 'task'>;

const NO_FLAGS: Flags = {
  grade: false,
  solution: false,
  locked: false,
  task: false
};
const ID = '[A-Za-z0-9_\\-]+';
const ID_LENGTH = 8;

/** Ask what a cell is, then for its id and its points; nothing changes if a question is not answered. */
export async function chooseKind(
  cell: Cell,
  trans: TranslationBundle
): Promise<void> {
  const kinds = kindsOf(trans);
  const mark = (cell.model.getMetadata('nbgrader') ?? {}) as Partial<IMark>;
  const names = kinds.map(([name]) => name);
  const kind = await InputDialog.getItem({
    title: trans.__('What is this cell in the assignment?'),
    items: names,
    current: currentOf(mark, kinds)
  });
  const flags = kinds[names.indexOf(kind.value ?? '')]?.[1];
  if (!kind.button.accept || flags === undefined) {
    return;
  }
  if (flags === null) {
    cell.model.deleteMetadata('nbgrader');
    return;
  }
  const id = await InputDialog.getText({
    title: trans.__('Its id: letters, digits, - and _'),
    text: mark.grade_id ?? cell.model.id.slice(0, ID_LENGTH),
    pattern: ID,
    required: true
  });
  if (!id.button.accept || id.value === null) {
    return;
  }
  const written: IMark = { schema_version: 3, ...flags, grade_id: id.value };
  if (!flags.grade && !flags.task) {
    cell.model.setMetadata('nbgrader', written);
    return;
  }
  const points = await InputDialog.getNumber({
    title: trans.__('Its points'),
    value: mark.points ?? 1
  });
  if (points.button.accept && points.value !== null && points.value >= 0) {
    cell.model.setMetadata('nbgrader', { ...written, points: points.value });
  }
}

/** What a cell can be, in words, and what is written of it; null for nothing. */
function kindsOf(
  trans: TranslationBundle
): ReadonlyArray<[name: string, flags: Flags | null]> {
  return [
    [trans.__("Plain: the student's to change"), null],
    [trans.__('Answer: tests score it'), { ...NO_FLAGS, solution: true }],
    [
      trans.__('Test: earns points'),
      { ...NO_FLAGS, grade: true, locked: true }
    ],
    [
      trans.__('Answer that a person scores'),
      { ...NO_FLAGS, grade: true, solution: true }
    ],
    [
      trans.__('Task: answered in other cells, scored by a person'),
      { ...NO_FLAGS, locked: true, task: true }
    ],
    [trans.__('Locked: run as it is'), { ...NO_FLAGS, locked: true }]
  ];
}

/** Which of them a cell is now; flags that matter less may be set, too. */
function currentOf(
  mark: Partial<IMark>,
  kinds: ReadonlyArray<[name: string, flags: Flags | null]>
): number {
  const { grade = false, locked = false, solution = false } = mark;
  const found = kinds.findIndex(([, flags]) =>
    mark.task === true
      ? flags?.task === true
      : flags !== null &&
        !flags.task &&
        flags.grade === grade &&
        flags.solution === solution &&
        (grade || solution || flags.locked === locked)
  );
  return Math.max(0, found);
}
