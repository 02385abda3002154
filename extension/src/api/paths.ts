/** Addresses below the server extension's own. */

/** A path; each part is quoted. */
export function pathOf(...parts: string[]): string {
  return parts.map(part => encodeURIComponent(part)).join('/');
}

/** The path of what belongs to an assignment. */
export function ofAssignment(id: string, ...parts: string[]): string {
  return pathOf('courses', 'assignments', id, ...parts);
}

/**
 * What a request carries that nobody asked for: it must not keep an idle
 * server alive.
 */
export function unasked(background: boolean): string {
  return background ? '?no_track_activity=1' : '';
}
