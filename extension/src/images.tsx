/** The images of one project, below its card. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ImageItem, ProjectItem } from './wire';

const IMAGE_PX = 80;

export interface IImagesProps {
  readonly project: ProjectItem;
  readonly images: IImageSource;
  readonly trans: TranslationBundle;
  readonly onAnnotate: (project: ProjectItem, image: ImageItem) => void;
}

/** Where images are listed and drawn. */
export interface IImageSource {
  list(projectId: string): Promise<ReadonlyArray<ImageItem>>;
  url(projectId: string, imageId: string, maxPx: number): string;
}

/** A disclosure that reads the list when it is opened, and again when the project has another number of images. */
export function Images(props: IImagesProps): React.JSX.Element | null {
  const { project, images, trans } = props;
  const [isOpen, setOpen] = React.useState(false);
  const [found, setFound] = React.useState<ReadonlyArray<ImageItem> | null>(
    null
  );
  const [isLost, setLost] = React.useState(false);
  React.useEffect(() => {
    let isCurrent = true;
    if (isOpen) {
      images.list(project.id).then(
        list => isCurrent && (setFound(list), setLost(false)),
        () => isCurrent && setLost(true)
      );
    }
    return () => {
      isCurrent = false;
    };
  }, [images, isOpen, project.id, project.images, project.annotated_images]);

  if (project.images === 0) {
    return null;
  }
  return (
    <details
      className="labkit-Images"
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('Images')}</summary>
      {isLost && <p>{trans.__('The images cannot be listed just now.')}</p>}
      {isOpen && found !== null && (
        <ul aria-label={trans.__('Images of %1', project.title)}>
          {found.map(image => (
            <ImageRow key={image.id} {...props} image={image} />
          ))}
        </ul>
      )}
    </details>
  );
}

function ImageRow(
  props: IImagesProps & { readonly image: ImageItem }
): React.JSX.Element {
  const { image, project, trans } = props;
  return (
    <li aria-label={image.name}>
      <img
        src={props.images.url(project.id, image.id, IMAGE_PX)}
        alt=""
        loading="lazy"
        draggable={false}
      />
      <span className="labkit-Images-words">
        <span title={image.name}>{image.name}</span>
        <small>{trans.__('%1 x %2', image.width_px, image.height_px)}</small>
        {image.annotated && <small>{trans.__('annotated')}</small>}
      </span>
      <button
        type="button"
        className="labkit-Button"
        aria-label={trans.__('Annotate %1', image.name)}
        onClick={() => props.onAnnotate(project, image)}
      >
        {trans.__('Annotate')}
      </button>
    </li>
  );
}
