/** The only place that talks to the server extension. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { ErrorReply } from '../wire';
import {
  RefusedError,
  ServerPartMissingError,
  UnreachableError
} from './errors';
import { pathOf } from './paths';

const ROOT = 'labkit/api';

/** Sends requests, and turns what comes back into messages or errors. */
export class Requests {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  url(...parts: string[]): string {
    return URLExt.join(this._settings.baseUrl, ROOT, pathOf(...parts));
  }

  get<T>(path: string): Promise<T> {
    return this.ask<T>(path, { method: 'GET' });
  }

  post<T>(path: string, asked: object): Promise<T> {
    return this.ask<T>(path, {
      method: 'POST',
      body: JSON.stringify(asked)
    });
  }

  put<T>(path: string, piece: ArrayBuffer): Promise<T> {
    return this.ask<T>(path, {
      method: 'PUT',
      body: piece,
      headers: { 'Content-Type': 'application/octet-stream' }
    });
  }

  delete<T>(path: string): Promise<T> {
    return this.ask<T>(path, { method: 'DELETE' });
  }

  async ask<T>(path: string, init: RequestInit): Promise<T> {
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
    throw notUnderstood(response);
  }

  /** An answer that is no message, such as a picture. */
  async read(url: string, init: RequestInit): Promise<Response> {
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    );
    if (!response.ok) {
      throw notUnderstood(response);
    }
    return response;
  }
}

/** The error of an answer of which nothing more is known. */
export function notUnderstood(response: Response): UnreachableError {
  return new UnreachableError(`${response.status} ${response.statusText}`);
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
