/** Saves what is open of an assignment, and notes what the person sees, so that the server can tell an older file on the disk. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';

import { unsavedScopes } from '../annotator/outbox';
import type { LabKitApi } from '../api';
import type { AssignmentEntry, SavedDocument } from '../wire';
import { sha256 } from './sha256';

const STROKES_MS = 3000; // a stroke is acknowledged in a tenth of a second; a kernel that is busy takes longer
const LOOK_AGAIN_MS = 200;
const AREAS = ['main', 'left', 'right', 'down'];

/** A document could not be saved. */
export class NotSavedError extends Error {
  constructor(readonly path: string) {
    super(path);
  }
}

type Cells = ReadonlyArray<{
  readonly cell_type: string;
  readonly source: string | readonly string[];
}>;

/**
 * Save every open document in a folder.
 *
 * @returns What each of them looks like now, whether it had to be saved or not.
 * @throws NotSavedError - The first that could not be saved.
 */
export async function saveOpen(
  app: JupyterFrontEnd,
  documents: IDocumentManager,
  folder: string
): Promise<SavedDocument[]> {
  const saved: SavedDocument[] = [];
  for (const context of openContexts(app, documents, folder)) {
    await context.ready;
    await save(context);
    const path = documents.services.contents.localPath(context.path);
    const mark = markOf(context, path.slice(folder.length + 1));
    if (mark !== null) {
      saved.push(mark);
    }
  }
  return saved;
}

/** Which annotations are not saved, after those that an assignment asks for and that are on their way had time to be. */
export async function unsavedAnnotations(
  api: LabKitApi,
  { annotates, id }: AssignmentEntry
): Promise<string[]> {
  const until = Date.now() + STROKES_MS;
  let unsaved = await unsavedScopes();
  if (unsaved.length === 0 || !annotates) {
    return unsaved; // the server looks which of them matter
  }
  const asked = new Set((await api.courses.readAskedAnnotations(id)).documents);
  while (unsaved.some(scope => asked.has(scope)) && Date.now() < until) {
    await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS));
    unsaved = await unsavedScopes();
  }
  return unsaved;
}

function openContexts(
  app: JupyterFrontEnd,
  documents: IDocumentManager,
  folder: string
): Set<DocumentRegistry.Context> {
  const { contents } = documents.services;
  const found = new Set<DocumentRegistry.Context>();
  for (const area of AREAS) {
    for (const widget of app.shell.widgets(area)) {
      const context = documents.contextForWidget(widget);
      if (
        context &&
        contents.localPath(context.path).startsWith(folder + '/')
      ) {
        found.add(context);
      }
    }
  }
  return found;
}

async function save(context: DocumentRegistry.Context): Promise<void> {
  if (!context.model.dirty || context.model.readOnly) {
    return;
  }
  try {
    await context.save(); // says itself what is wrong, and does not always throw
  } catch {
    throw new NotSavedError(context.path);
  }
  if (context.model.dirty) {
    throw new NotSavedError(context.path);
  }
}

function markOf(
  context: DocumentRegistry.Context,
  path: string
): SavedDocument | null {
  const kind: Partial<Contents.IModel> = context.contentsModel ?? {};
  if (kind.type === 'notebook') {
    const { cells } = context.model.toJSON() as unknown as { cells: Cells };
    return { path, kind: 'notebook', sha256: notebookMark(cells) };
  }
  if (kind.format === 'text') {
    const text = context.model.toString().replace(/\r\n?/g, '\n');
    return { path, kind: 'text', sha256: sha256(encoded(text)) };
  }
  return null; // a picture, say: nothing is edited in it
}

/** As `labkit_lab.savedmarks` hashes the file. */
function notebookMark(cells: Cells): string {
  const parts: Uint8Array[] = [];
  for (const { cell_type, source } of cells) {
    const text = encoded(typeof source === 'string' ? source : source.join(''));
    parts.push(encoded(`${cell_type} ${text.length}\n`), text, encoded('\n'));
  }
  const whole = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0)
  );
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return sha256(whole);
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
