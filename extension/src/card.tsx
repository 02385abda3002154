/** One project in the list. */

import { Time } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileUploadIcon, folderIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { labkitIcon } from './icons';
import { type IImageActions, type IImageSource, Images } from './images';
import { UploadRow } from './uploadrow';
import type { IUploadRow, UploadsModel } from './uploads';
import type { ProjectItem } from './wire';

const UPLOAD_PX = 96;

export interface IProjectCardProps {
  readonly project: ProjectItem;
  readonly thumbnailUrl: string | null;
  readonly isNewest: boolean;
  readonly trans: TranslationBundle;
  readonly uploads: UploadsModel;
  readonly images: IImageSource;
  readonly actions: IImageActions;
  readonly onQuality: (project: ProjectItem) => void;
  readonly onTrainingSets: (project: ProjectItem) => void;
  readonly onRuns: (project: ProjectItem) => void;
  readonly onOpenFolder: (project: ProjectItem) => void;
  readonly onImport: (project: ProjectItem) => void;
  readonly onAnswer: (row: IUploadRow) => void;
  readonly onRemove: (row: IUploadRow) => void;
}

export function ProjectCard(props: IProjectCardProps): React.JSX.Element {
  const { project, trans } = props;
  const label = trans.__('Open the folder of %1', project.title);
  const importLabel = trans.__('Import pictures into %1', project.title);
  const qualityLabel = trans.__('Quality of %1', project.title);
  const setsLabel = trans.__('Training sets of %1', project.title);
  const runsLabel = trans.__('Runs of %1', project.title);
  const rows = props.uploads.rowsOf(project.id);
  return (
    <li
      className={
        'labkit-Project' + (props.isNewest ? ' labkit-mod-newest' : '')
      }
      data-project-id={project.id}
      aria-label={project.title}
    >
      <div className="labkit-Project-head">
        <Thumbnail url={props.thumbnailUrl} />
        <div className="labkit-Project-words">
          <h3 title={project.path}>{project.title}</h3>
          <p title={Time.format(new Date(project.modified))}>
            <span className="labkit-visually-hidden">
              {trans.__('changed')}{' '}
            </span>
            {Time.formatHuman(new Date(project.modified))}
          </p>
          {project.classes.length > 0 && (
            <p className="labkit-Project-classes">
              {project.classes.join(', ')}
            </p>
          )}
        </div>
        <button
          type="button"
          className="labkit-IconButton"
          title={importLabel}
          aria-label={importLabel}
          onClick={() => props.onImport(project)}
        >
          <fileUploadIcon.react tag="span" />
        </button>
        <button
          type="button"
          className="labkit-IconButton"
          title={label}
          aria-label={label}
          onClick={() => props.onOpenFolder(project)}
        >
          <folderIcon.react tag="span" />
        </button>
      </div>
      {rows.length > 0 && (
        <ul
          className="labkit-Uploads"
          aria-label={trans.__('Pictures on their way into %1', project.title)}
        >
          {rows.map(row => (
            <UploadRow
              key={row.key}
              row={row}
              imageUrl={props.uploads.imageUrl(row, UPLOAD_PX)}
              trans={trans}
              onAnswer={props.onAnswer}
              onRemove={props.onRemove}
            />
          ))}
        </ul>
      )}
      <Counts project={project} trans={trans} />
      <div className="labkit-Project-images">
        <Images
          project={project}
          images={props.images}
          trans={trans}
          actions={props.actions}
        />
        {project.images > 0 && (
          <button
            type="button"
            className="labkit-Button"
            aria-label={qualityLabel}
            onClick={() => props.onQuality(project)}
          >
            {trans.__('Quality')}
          </button>
        )}
      </div>
      <div className="labkit-Project-learning">
        {project.images > 0 && (
          <button
            type="button"
            className="labkit-Button"
            aria-label={setsLabel}
            onClick={() => props.onTrainingSets(project)}
          >
            {trans.__('Training sets')}
          </button>
        )}
        <button
          type="button"
          className="labkit-Button"
          aria-label={runsLabel}
          onClick={() => props.onRuns(project)}
        >
          {trans.__('Runs')}
        </button>
      </div>
    </li>
  );
}

/** The cover picture, or the icon while there is none or it cannot be drawn. */
function Thumbnail(props: { readonly url: string | null }): React.JSX.Element {
  const [failedUrl, setFailedUrl] = React.useState<string | null>(null);
  const url = props.url === failedUrl ? null : props.url;
  return (
    <div className="labkit-Project-thumbnail">
      {url === null ? (
        <labkitIcon.react tag="span" aria-hidden="true" />
      ) : (
        <img
          src={url}
          alt=""
          loading="lazy"
          draggable={false}
          onError={() => setFailedUrl(url)}
        />
      )}
    </div>
  );
}

function Counts(props: {
  readonly project: ProjectItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { project, trans } = props;
  const sets = trans._n('set', 'sets', project.training_sets);
  const counts: ReadonlyArray<[React.ReactNode, number]> = [
    [trans._n('image', 'images', project.images), project.images],
    [trans.__('annotated'), project.annotated_images],
    [
      <span title={trans.__('training sets')}>
        <span className="labkit-visually-hidden">{trans.__('training')} </span>
        {sets}
      </span>,
      project.training_sets
    ],
    [trans._n('model', 'models', project.models), project.models]
  ];
  return (
    <dl className="labkit-Project-counts">
      {counts.map(([name, count], index) => (
        <div key={index} className={count === 0 ? 'labkit-mod-zero' : ''}>
          <dt>{name}</dt>
          <dd>{count}</dd>
        </div>
      ))}
    </dl>
  );
}
