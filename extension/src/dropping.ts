/** What somebody drops: files, and the pictures in folders. */

import type { IDroppedFile } from './uploads';

// Ends of names that LabKit reads; only for folders, where most files are something else.
const PICTURES =
  /\.(png|apng|jpe?g|jpe|jfif|mpo|tiff?|btf|svs|ndpi|scn|bif|lsm|stk|qptiff|gif|bmp|dib|webp|avifs?|hei[cf]|jp2|j2k|jpx|j2c|jpc|jpf|jxl|npy|dcm|dicom|ima|czi|nd2|lif)$/i;

/** What was found, and what was left out of folders. */
export interface IDropped {
  readonly files: readonly IDroppedFile[];
  readonly skipped: readonly string[];
}

/** Whether something that is dragged holds files. */
export function holdsFiles(data: DataTransfer | null): boolean {
  return data !== null && [...data.types].includes('Files');
}

/**
 * Collect what was dropped, folders with all that is below them.
 *
 * The list of items is emptied when the event ends: entries are taken first.
 */
export async function collectDropped(data: DataTransfer): Promise<IDropped> {
  const items = [...data.items].filter(item => item.kind === 'file');
  const found = items.map(item => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile()
  }));
  const files: IDroppedFile[] = [];
  const skipped: string[] = [];
  for (const { entry, file } of found) {
    if (entry?.isDirectory) {
      await walk(entry as FileSystemDirectoryEntry, files, skipped);
    } else if (file !== null) {
      files.push({ file, path: '' });
    }
  }
  return { files, skipped };
}

/** Files that were chosen in a dialog. */
export function chosenFiles(list: FileList | null): IDropped {
  const files = [...(list ?? [])].map(file => ({ file, path: '' }));
  return { files, skipped: [] };
}

async function walk(
  folder: FileSystemDirectoryEntry,
  files: IDroppedFile[],
  skipped: string[]
): Promise<void> {
  const entries = await childrenOf(folder);
  entries.sort((a, b) => a.name.localeCompare(b.name));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) {
      continue;
    }
    if (entry.isDirectory && !entry.name.endsWith('.zarr')) {
      await walk(entry as FileSystemDirectoryEntry, files, skipped);
    } else if (entry.isFile && PICTURES.test(entry.name)) {
      const file = await fileOf(entry as FileSystemFileEntry);
      files.push({ file, path: entry.fullPath });
    } else {
      skipped.push(entry.fullPath);
    }
  }
}

async function childrenOf(
  folder: FileSystemDirectoryEntry
): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (some.length === 0) {
      return found;
    }
    found.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
