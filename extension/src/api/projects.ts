/** Projects and their images. */

import { URLExt } from '@jupyterlab/coreutils';

import type {
  ImageList,
  NewProject,
  ProgressList,
  ProjectItem,
  ProjectList,
  ThumbnailQuery
} from '../wire';
import { pathOf, unasked } from './paths';
import type { Requests } from './requests';

export class ProjectsApi {
  constructor(private readonly _requests: Requests) {}

  /**
   * The projects of this home.
   *
   * @param background - Whether nobody asked: such a request must not keep an
   * idle server alive.
   */
  listProjects(background: boolean): Promise<ProjectList> {
    return this._requests.get('projects' + unasked(background));
  }

  createProject(asked: NewProject): Promise<ProjectItem> {
    return this._requests.post('projects', asked);
  }

  /** Address of a small picture of an image of a project; null without one. */
  thumbnailUrl(project: ProjectItem, maxPx: number): string | null {
    if (project.cover_image === null) {
      return null;
    }
    return this.imageUrl(project.id, project.cover_image, maxPx);
  }

  /** Address of a small picture of one image. */
  imageUrl(projectId: string, imageId: string, maxPx: number): string {
    const query: ThumbnailQuery = { image: imageId, max_px: maxPx };
    return (
      this._requests.url('projects', projectId, 'thumbnail') +
      URLExt.objectToQueryString({ ...query })
    );
  }

  /**
   * The images of a project.
   *
   * @param background - Whether nobody asked.
   */
  listImages(projectId: string, background = false): Promise<ImageList> {
    return this._requests.get(
      pathOf('projects', projectId, 'images') + unasked(background)
    );
  }

  /** How far everybody has come. */
  readProgress(projectId: string): Promise<ProgressList> {
    return this._requests.get(pathOf('projects', projectId, 'progress'));
  }
}
