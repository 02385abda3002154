/** The images of one project, below its card. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { documentBoard } from './documents';
import { clock, stateWord } from './quality/words';
import type { DocumentItem, ImageItem, ImageList, ProjectItem } from './wire';

const IMAGE_PX = 80;
const POLL_MS = 10_000;

/** What can be done with images. */
export interface IImageActions {
  /** Draw in one's own annotations. */
  annotate(project: ProjectItem, image: ImageItem, me: string): Promise<void>;
  /** Look at somebody's annotations. */
  openDocument(project: ProjectItem, image: ImageItem, author: string): void;
  /** Claim and open the next image that nobody is at work on. */
  nextImage(project: ProjectItem): Promise<void>;
  /** Annotations to files; of all images without an image. */
  exportAnnotations(
    project: ProjectItem,
    image: ImageItem | null,
    authors: ReadonlyArray<string>,
    me: string
  ): void;
  /** Files to annotations; each to the image of its name without an image. */
  importAnnotations(
    project: ProjectItem,
    image: ImageItem | null,
    me: string
  ): void;
}

export interface IImagesProps {
  readonly project: ProjectItem;
  readonly images: IImageSource;
  readonly trans: TranslationBundle;
  readonly actions: IImageActions;
}

/** Where images are listed and drawn. */
export interface IImageSource {
  list(projectId: string): Promise<ImageList>;
  url(projectId: string, imageId: string, maxPx: number): string;
}

/** A disclosure that reads the list when it is opened, and again and again while it is seen. */
export function Images(props: IImagesProps): React.JSX.Element | null {
  const { project, trans } = props;
  const [isOpen, setOpen] = React.useState(false);
  const list = React.useRef<HTMLDetailsElement>(null);
  const [found, isLost] = useImages(props, isOpen, list);

  if (project.images === 0) {
    return null;
  }
  return (
    <details
      ref={list}
      className="labkit-Images"
      onToggle={event => {
        if (event.target === event.currentTarget) {
          setOpen(event.currentTarget.open);
        }
      }}
    >
      <summary>{trans.__('Images')}</summary>
      {isLost && <p>{trans.__('The images cannot be listed just now.')}</p>}
      {isOpen && found !== null && (
        <>
          <ProjectButtons {...props} list={found} />
          <ul aria-label={trans.__('Images of %1', project.title)}>
            {found.images.map(image => (
              <ImageRow key={image.id} {...props} image={image} me={found.me} />
            ))}
          </ul>
        </>
      )}
    </details>
  );
}

/** The list, and whether it could not be read lately. */
function useImages(
  { images, project }: IImagesProps,
  isOpen: boolean,
  node: React.RefObject<HTMLElement>
): [ImageList | null, boolean] {
  const [found, setFound] = React.useState<ImageList | null>(null);
  const [isLost, setLost] = React.useState(false);
  React.useEffect(() => {
    if (!isOpen) {
      return;
    }
    let isCurrent = true;
    const read = (): void => {
      const isSeen =
        node.current !== null && node.current.offsetParent !== null;
      if (isSeen && document.visibilityState === 'visible') {
        images.list(project.id).then(
          list => isCurrent && (setFound(list), setLost(false)),
          () => isCurrent && setLost(true)
        );
      }
    };
    read();
    const timer = setInterval(read, POLL_MS);
    window.addEventListener('focus', read);
    documentBoard.changed.connect(read);
    return () => {
      isCurrent = false;
      clearInterval(timer);
      window.removeEventListener('focus', read);
      documentBoard.changed.disconnect(read);
    };
  }, [images, isOpen, project.id, project.images, project.annotated_images]);
  return [found, isLost];
}

function ProjectButtons(
  props: IImagesProps & { readonly list: ImageList }
): React.JSX.Element {
  const { actions, list, project, trans } = props;
  const authors = [...new Set(list.images.flatMap(authorsOf))];
  return (
    <p className="labkit-Images-buttons">
      <button
        type="button"
        className="labkit-Button labkit-mod-primary"
        onClick={() => void actions.nextImage(project)}
      >
        {trans.__('Next free image')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        disabled={authors.length === 0}
        aria-label={trans.__('Export annotations of %1', project.title)}
        onClick={() =>
          actions.exportAnnotations(project, null, authors.sort(), list.me)
        }
      >
        {trans.__('Export…')}
      </button>
      <button
        type="button"
        className="labkit-Button"
        aria-label={trans.__('Import annotations into %1', project.title)}
        onClick={() => actions.importAnnotations(project, null, list.me)}
      >
        {trans.__('Import…')}
      </button>
    </p>
  );
}

interface IRowProps extends IImagesProps {
  readonly image: ImageItem;
  readonly me: string;
}

function ImageRow(props: IRowProps): React.JSX.Element {
  const { actions, image, me, project, trans } = props;
  return (
    <li aria-label={image.name}>
      <div className="labkit-Images-row">
        <img
          src={props.images.url(project.id, image.id, IMAGE_PX)}
          alt=""
          loading="lazy"
          draggable={false}
        />
        <span className="labkit-Images-words">
          <span title={image.name}>{image.name}</span>
          <small>{trans.__('%1 x %2', image.width_px, image.height_px)}</small>
          <Standing {...props} />
        </span>
        <button
          type="button"
          className="labkit-Button"
          aria-label={trans.__('Annotate %1', image.name)}
          onClick={() => void actions.annotate(project, image, me)}
        >
          {trans.__('Annotate')}
        </button>
      </div>
      <ClaimNote image={image} me={me} trans={trans} />
      {image.problem !== null && (
        <p className="labkit-Images-problem">{image.problem}</p>
      )}
      <More {...props} />
    </li>
  );
}

/** How far one's own annotations of an image are. */
function Standing({ image, trans }: IRowProps): React.JSX.Element | null {
  const words = [
    image.state === 'to-annotate' && image.objects === 0 && !image.finished
      ? trans.__('to annotate')
      : trans._n('%1 object', '%1 objects', image.objects),
    image.finished ? trans.__('finished') : '',
    image.state === 'to-annotate' ? '' : stateWord(image.state, trans),
    image.open_comments > 0
      ? trans._n('%1 open comment', '%1 open comments', image.open_comments)
      : ''
  ];
  return (
    <small className="labkit-Images-standing" data-state={image.state}>
      {words.filter(word => word !== '').join(', ')}
    </small>
  );
}

function ClaimNote(props: {
  readonly image: ImageItem;
  readonly me: string;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { image, me, trans } = props;
  const { claimed_by, claimed_until } = image;
  if (claimed_by === null || claimed_until === null) {
    return null;
  }
  return (
    <p className="labkit-Images-claim">
      {claimed_by === me
        ? trans.__('yours until %1', clock(claimed_until))
        : trans.__('%1 is at work until %2', claimed_by, clock(claimed_until))}
    </p>
  );
}

/** Whose annotations there are, and files that go out and come in. */
function More(props: IRowProps): React.JSX.Element {
  const { actions, image, me, project, trans } = props;
  return (
    <details className="labkit-Images-more">
      <summary aria-label={trans.__('Documents of %1', image.name)}>
        {trans.__('Documents')}
      </summary>
      <ul aria-label={trans.__('Who annotated %1', image.name)}>
        {image.documents.length === 0 && <li>{trans.__('Nobody yet')}</li>}
        {image.documents.map(one => (
          <DocumentRow key={one.author} {...props} one={one} />
        ))}
      </ul>
      <p className="labkit-Images-buttons">
        <button
          type="button"
          className="labkit-Button"
          disabled={image.documents.length === 0}
          aria-label={trans.__('Export annotations of %1', image.name)}
          onClick={() =>
            actions.exportAnnotations(project, image, authorsOf(image), me)
          }
        >
          {trans.__('Export…')}
        </button>
        <button
          type="button"
          className="labkit-Button"
          aria-label={trans.__('Import annotations into %1', image.name)}
          onClick={() => actions.importAnnotations(project, image, me)}
        >
          {trans.__('Import…')}
        </button>
      </p>
    </details>
  );
}

function DocumentRow(
  props: IRowProps & { readonly one: DocumentItem }
): React.JSX.Element {
  const { actions, image, me, one, project, trans } = props;
  const { author } = one;
  return (
    <li>
      <span>
        {author === me ? trans.__('%1 (you)', author) : author}
        <small className="labkit-State" data-state={one.state}>
          {stateWord(one.state, trans)}
        </small>
        {one.problem !== null && <small>{one.problem}</small>}
      </span>
      <button
        type="button"
        className="labkit-Button"
        aria-label={trans.__("Open %1's annotations", author)}
        onClick={() =>
          author === me
            ? void actions.annotate(project, image, me)
            : actions.openDocument(project, image, author)
        }
      >
        {trans.__('Open')}
      </button>
    </li>
  );
}

function authorsOf(image: ImageItem): string[] {
  return image.documents.map(one => one.author);
}
