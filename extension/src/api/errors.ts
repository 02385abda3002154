/** What can go wrong with a request. */

import type { ErrorBody } from '../wire';

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
