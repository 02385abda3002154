/** Files of annotations on their way to the server, piece by piece. */

import type { LabKitApi } from '../api';
import type { OnStep } from './jobs';

const PIECE_BYTES = 4 << 20;

/**
 * Send files that belong together, and return the id of their set.
 *
 * @throws RefusedError - They are too large, before anything was sent.
 */
export async function sendFiles(
  api: LabKitApi,
  files: ReadonlyArray<File>,
  onStep: OnStep
): Promise<string> {
  const named = files.map(file => ({ name: file.name, bytes: file.size }));
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const { id } = await api.exchange.beginIncoming({ files: named });
  let sent = 0;
  for (const [number, file] of files.entries()) {
    for (let offset = 0; offset < file.size; offset += PIECE_BYTES) {
      const piece = file.slice(offset, offset + PIECE_BYTES);
      await api.exchange.sendIncoming(
        id,
        number,
        offset,
        await piece.arrayBuffer()
      );
      sent += piece.size;
      onStep(sent, total, 'bytes');
    }
  }
  return id;
}
