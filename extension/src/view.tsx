/** How the Projects panel looks in each of its states. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, refreshIcon, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ProjectCard } from './card';
import { labkitIcon } from './icons';
import type { IImageActions, IImageSource } from './images';
import type { IProjectsState, ProjectsModel } from './model';
import { TroubleNote } from './trouble';
import type { IUploadRow, UploadsModel } from './uploads';
import type { ProjectItem, ProjectList } from './wire';

// twice the largest drawn size, for sharp pixels on dense screens
const THUMBNAIL_PX = 128;

/** What the panel can ask the rest of JupyterLab to do. */
export interface IProjectsActions extends IImageActions {
  newProject(): void;
  refresh(): void;
  openFolder(project: ProjectItem): void;
  openLesson(path: string): void;
  /** Choose pictures in a dialog, and import them. */
  importInto(project: ProjectItem): void;
  /** Show how far everybody has come, and how good it is. */
  quality(project: ProjectItem): void;
  /** Build training sets, or show those there are. */
  trainingSets(project: ProjectItem): void;
  /** Show what is trained, and the models. */
  runs(project: ProjectItem): void;
  answer(row: IUploadRow): void;
  remove(row: IUploadRow): void;
}

export interface IProjectsViewProps {
  readonly model: ProjectsModel;
  readonly uploads: UploadsModel;
  readonly images: IImageSource;
  readonly actions: IProjectsActions;
  readonly trans: TranslationBundle;
}

export function ProjectsView(props: IProjectsViewProps): React.JSX.Element {
  return (
    <UseSignal signal={props.model.stateChanged}>
      {() => (
        <UseSignal signal={props.uploads.stateChanged}>
          {() => <Projects {...props} state={props.model.state} />}
        </UseSignal>
      )}
    </UseSignal>
  );
}

type IStateProps = IProjectsViewProps & { readonly state: IProjectsState };

function Projects(props: IStateProps): React.JSX.Element {
  const { state, trans } = props;
  const { list, trouble } = state;
  return (
    <>
      <Header {...props} />
      <p className="labkit-visually-hidden" role="status">
        {spokenState(state, trans)}
      </p>
      {trouble !== null && (
        <TroubleNote
          trouble={trouble}
          old={trans.__(
            'What is listed may be old; it is read again as soon as the server is back.'
          )}
          onRetry={() => props.actions.refresh()}
          trans={trans}
        />
      )}
      {list === null && trouble === null && <Loading trans={trans} />}
      {list !== null && list.projects.length === 0 && (
        <Empty {...props} list={list} />
      )}
      {list !== null && list.projects.length > 0 && (
        <p className="labkit-Projects-drop">
          {trans.__('Drop pictures or a folder onto a project to import them.')}
        </p>
      )}
      {list !== null && list.projects.length > 0 && (
        <ul
          className="labkit-Projects-list"
          aria-label={trans.__('Projects of this home')}
        >
          {list.projects.map(project => (
            <ProjectCard
              key={project.path}
              project={project}
              thumbnailUrl={props.model.thumbnailUrl(project, THUMBNAIL_PX)}
              isNewest={project.id === state.newest}
              trans={trans}
              uploads={props.uploads}
              images={props.images}
              actions={props.actions}
              onQuality={props.actions.quality}
              onTrainingSets={props.actions.trainingSets}
              onRuns={props.actions.runs}
              onOpenFolder={props.actions.openFolder}
              onImport={props.actions.importInto}
              onAnswer={props.actions.answer}
              onRemove={props.actions.remove}
            />
          ))}
        </ul>
      )}
    </>
  );
}

function Header({ actions, state, trans }: IStateProps): React.JSX.Element {
  const disabled = state.trouble?.kind === 'no-server-part';
  const lessonFirst =
    state.list?.projects.length === 0 && state.list.lesson !== null;
  return (
    <header className="labkit-Projects-header">
      <h2>{trans.__('Projects')}</h2>
      <button
        type="button"
        className={'labkit-Button' + (lessonFirst ? '' : ' labkit-mod-primary')}
        disabled={disabled}
        onClick={() => actions.newProject()}
      >
        <addIcon.react tag="span" aria-hidden="true" />
        {trans.__('New project')}
      </button>
      <button
        type="button"
        className={
          'labkit-IconButton' + (state.busy ? ' labkit-mod-turning' : '')
        }
        title={trans.__('Refresh the list of projects')}
        aria-label={trans.__('Refresh the list of projects')}
        onClick={() => actions.refresh()}
      >
        <refreshIcon.react tag="span" />
      </button>
    </header>
  );
}

function Loading(props: {
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  return (
    <div className="labkit-Projects-note">
      <p>{props.trans.__('Looking for projects…')}</p>
    </div>
  );
}

function Empty(
  props: IStateProps & { readonly list: ProjectList }
): React.JSX.Element {
  const { actions, trans } = props;
  const { lesson, folder } = props.list;
  return (
    <div className="labkit-Projects-note">
      <labkitIcon.react
        tag="span"
        className="labkit-Projects-mark"
        aria-hidden="true"
      />
      <h3>{trans.__('No projects yet')}</h3>
      {lesson === null ? (
        <p>
          {trans.__(
            'Make your first project with the button above, then import pictures into it.'
          )}
        </p>
      ) : (
        <>
          <p>
            {trans.__(
              'Start with the first lesson: it makes a project, imports a microscope picture and trains a model on it, step by step.'
            )}
          </p>
          <button
            type="button"
            className="labkit-Button labkit-mod-primary"
            onClick={() => actions.openLesson(lesson)}
          >
            {trans.__('Open the first lesson')}
          </button>
        </>
      )}
      <p className="labkit-Projects-place">
        {trans.__('Projects are folders in %1', folder)}
      </p>
    </div>
  );
}

function spokenState(state: IProjectsState, trans: TranslationBundle): string {
  if (state.list === null) {
    return state.trouble === null ? trans.__('Looking for projects…') : '';
  }
  const count = state.list.projects.length;
  return trans._n('%1 project', '%1 projects', count);
}
