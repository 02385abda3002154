/** The only place that talks to the server extension. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type {
  ErrorBody,
  ErrorReply,
  NewProject,
  ProjectItem,
  ProjectList,
  ThumbnailQuery
} from './wire';

const ROOT = 'labkit/api';

/** An error that the server has put into words. */
export class RefusedError extends Error {
  constructor(
    readonly body: ErrorBody,
    readonly status: number
  ) {
    super(body.message);
  }

  get hint(): string {
    return this.body.hint;
  }
}

/** The server answers, but knows nothing of LabKit. */
export class ServerPartMissingError extends Error {}

/** The server does not answer at all. */
export class UnreachableError extends Error {}

/** Typed requests, one for each route. */
export class LabKitApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  /**
   * The projects of this home.
   *
   * @param background - Whether nobody asked: such a request must not keep an
   * idle server alive.
   */
  listProjects(background: boolean): Promise<ProjectList> {
    const query = background ? '?no_track_activity=1' : '';
    return this._request<ProjectList>(`projects${query}`, { method: 'GET' });
  }

  createProject(asked: NewProject): Promise<ProjectItem> {
    return this._request<ProjectItem>('projects', {
      method: 'POST',
      body: JSON.stringify(asked)
    });
  }

  /** Address of a small picture of an image of a project; null without one. */
  thumbnailUrl(project: ProjectItem, maxPx: number): string | null {
    if (project.cover_image === null) {
      return null;
    }
    const query: ThumbnailQuery = { image: project.cover_image, max_px: maxPx };
    return (
      this._url('projects', project.id, 'thumbnail') +
      URLExt.objectToQueryString({ ...query })
    );
  }

  private _url(...parts: string[]): string {
    const path = parts.map(part => encodeURIComponent(part)).join('/');
    return URLExt.join(this._settings.baseUrl, ROOT, path);
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, ROOT) + '/' + path;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch (error) {
      throw new UnreachableError(String(error));
    }
    const body = await readJson(response);
    if (response.ok && body !== undefined) {
      return body as T;
    }
    if (isErrorReply(body)) {
      throw new RefusedError(body.error, response.status);
    }
    if (response.status === 404) {
      throw new ServerPartMissingError(url);
    }
    throw new UnreachableError(`${response.status} ${response.statusText}`);
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined; // a page of the proxy or of the hub, say
  }
}

function isErrorReply(body: unknown): body is ErrorReply {
  const error = (body as Partial<ErrorReply> | null | undefined)?.error;
  return typeof error?.message === 'string' && typeof error.hint === 'string';
}
