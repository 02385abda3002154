/** How the Course panel looks in each of its states. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { courseIcon } from '../icons';
import { TroubleNote } from '../trouble';
import type { AssignmentEntry, CourseEntry, CourseWork } from '../wire';
import type { IAuthorActions } from './author';
import { AssignmentCard } from './card';
import type { CoursesModel, ICoursesState } from './model';

/** What the panel can ask the rest of JupyterLab to do. */
export interface ICourseActions {
  refresh(): void;
  fetch(entry: AssignmentEntry): void;
  /** Open the first notebook, and show the folder. */
  open(entry: AssignmentEntry): void;
  validate(entry: AssignmentEntry): void;
  submit(entry: AssignmentEntry): void;
  /** Show or hide what has been handed in. */
  history(entry: AssignmentEntry): void;
  feedback(entry: AssignmentEntry, submission: string): void;
  /** Open a notebook at a cell. */
  jump(path: string, index: number, gradeId: string): void;
  /** For who writes assignments. */
  readonly author: IAuthorActions;
}

export interface ICoursesViewProps {
  readonly model: CoursesModel;
  readonly actions: ICourseActions;
  readonly trans: TranslationBundle;
}

export function CoursesView(props: ICoursesViewProps): React.JSX.Element {
  return (
    <UseSignal signal={props.model.stateChanged}>
      {() => <Courses {...props} state={props.model.state} />}
    </UseSignal>
  );
}

type IStateProps = ICoursesViewProps & { readonly state: ICoursesState };

function Courses(props: IStateProps): React.JSX.Element {
  const { state, trans } = props;
  const { trouble, work } = state;
  return (
    <>
      <Header {...props} />
      <p className="labkit-visually-hidden" role="status">
        {spoken(work, trans)}
      </p>
      {trouble !== null && (
        <TroubleNote
          trouble={trouble}
          old={trans.__(
            'What is listed may be old. Your files are where they were.'
          )}
          onRetry={() => props.actions.refresh()}
          trans={trans}
        />
      )}
      {work === null && trouble === null && (
        <div className="labkit-Projects-note">
          <p>{trans.__('Looking for course work…')}</p>
        </div>
      )}
      {work !== null && !work.hub && (
        <Note title={trans.__('No hub')}>
          {trans.__(
            'Course work is handed out and handed in by a hub, and this JupyterLab belongs to none. All else works without it.'
          )}
        </Note>
      )}
      {work !== null &&
        work.hub &&
        work.courses.length === 0 &&
        trouble === null && (
          <Note title={trans.__('No course yet')}>
            {trans.__(
              'You are in no course of this hub. Who gives the course can add you.'
            )}
          </Note>
        )}
      {work?.courses.map(course => (
        <Course key={course.id} {...props} course={course} />
      ))}
      {work !== null && work.courses.length > 0 && (
        <p className="labkit-Courses-place">
          {trans.__('Course work lies in %1', work.folder)}
        </p>
      )}
    </>
  );
}

function Header({ actions, state, trans }: IStateProps): React.JSX.Element {
  return (
    <header className="labkit-Projects-header">
      <h2>{trans.__('Course work')}</h2>
      <button
        type="button"
        className={
          'labkit-IconButton' + (state.busy ? ' labkit-mod-turning' : '')
        }
        title={trans.__('Look again for course work')}
        aria-label={trans.__('Look again for course work')}
        onClick={() => actions.refresh()}
      >
        <refreshIcon.react tag="span" />
      </button>
    </header>
  );
}

function Note(
  props: React.PropsWithChildren<{ readonly title: string }>
): React.JSX.Element {
  return (
    <div className="labkit-Projects-note">
      <courseIcon.react
        tag="span"
        className="labkit-Projects-mark"
        aria-hidden="true"
      />
      <h3>{props.title}</h3>
      <p>{props.children}</p>
    </div>
  );
}

function Course(
  props: IStateProps & { readonly course: CourseEntry }
): React.JSX.Element {
  const { actions, course, model, trans } = props;
  const heading = `labkit-course-${course.id}`;
  return (
    <section className="labkit-Course" aria-labelledby={heading}>
      <h3 id={heading}>
        {course.title}
        {course.role !== 'student' && <small> {roleWord(course, trans)}</small>}
      </h3>
      {course.page !== '' && (
        <p className="labkit-Course-quiet">
          <a
            className="labkit-Link"
            href={course.page}
            target="_blank"
            rel="noopener noreferrer"
          >
            {trans.__('Open the page of the course')}
          </a>
        </p>
      )}
      {course.problem !== '' && (
        <p className="labkit-Course-problem" role="alert">
          {course.problem}
        </p>
      )}
      {course.assignments.length === 0 && course.problem === '' && (
        <p className="labkit-Course-quiet">
          {trans.__('Nothing has been handed out yet.')}
        </p>
      )}
      {course.role === 'professor' && course.problem === '' && (
        <p className="labkit-Course-new">
          <button
            type="button"
            className="labkit-Button"
            aria-label={trans.__('New assignment in %1', course.title)}
            onClick={() => actions.author.create(course)}
          >
            {trans.__('New assignment…')}
          </button>
        </p>
      )}
      <ul
        className="labkit-Projects-list"
        aria-label={trans.__('Assignments of %1', course.title)}
      >
        {course.assignments.map(entry => (
          <AssignmentCard
            key={entry.id}
            entry={entry}
            role={course.role}
            aside={model.aside(entry.id)}
            now={model.now}
            actions={actions}
            trans={trans}
          />
        ))}
      </ul>
    </section>
  );
}

function roleWord(course: CourseEntry, trans: TranslationBundle): string {
  return course.role === 'professor'
    ? trans.__('you are a professor of it')
    : trans.__('you are an assistant of it');
}

function spoken(work: CourseWork | null, trans: TranslationBundle): string {
  if (work === null || !work.hub) {
    return '';
  }
  const count = work.courses.reduce(
    (sum, { assignments }) => sum + assignments.length,
    0
  );
  return trans._n('%1 assignment', '%1 assignments', count);
}
