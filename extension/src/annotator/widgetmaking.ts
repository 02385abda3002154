/** The annotator's widget in a kernel: made there by a line of Python, or found again after a reload. */

import * as base from '@jupyter-widgets/base';
import * as controls from '@jupyter-widgets/controls';
import { KernelWidgetManager } from '@jupyter-widgets/jupyterlab-manager';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { type Kernel, KernelMessage } from '@jupyterlab/services';

import { MODULE_NAME, MODULE_VERSION } from './widget';
import * as annotator from './widget';

const VIEW_MIME = 'application/vnd.jupyter.widget-view+json';
const MOST_RESTORE_MS = 5_000;

/** The kernel has said in words why there is no annotator. */
export class NotMadeError extends Error {}

/** A manager that knows the widgets an annotator is made of; bare it knows none. */
export async function makeManager(
  kernel: Kernel.IKernelConnection,
  rendermime: IRenderMimeRegistry
): Promise<KernelWidgetManager> {
  const ipycanvas = await import('ipycanvas');
  const manager = new KernelWidgetManager(kernel, rendermime);
  const modules = [
    ['@jupyter-widgets/base', base.JUPYTER_WIDGETS_VERSION, base],
    ['@jupyter-widgets/controls', controls.JUPYTER_CONTROLS_VERSION, controls],
    ['ipycanvas', ipycanvas.MODULE_VERSION, ipycanvas],
    [MODULE_NAME, MODULE_VERSION, annotator]
  ] as const;
  for (const [name, version, exports] of modules) {
    manager.register({
      name,
      version,
      exports: { ...exports } as unknown as base.ExportMap
    });
  }
  return manager;
}

/**
 * Make an annotator in the kernel.
 *
 * @param asked - Ids of project and image, and the author if it is not you.
 * @returns The id of its model.
 */
export async function makeAnnotator(
  kernel: Kernel.IKernelConnection,
  asked: ReadonlyArray<string>
): Promise<string> {
  const given = asked.map(one => JSON.stringify(one)).join(', ');
  const future = kernel.requestExecute({
    code:
      'from labkit_lab.widgets import open_annotator\n' +
      `open_annotator(${given})`,
    store_history: false
  });
  let modelId: string | undefined;
  future.onIOPub = message => {
    if (KernelMessage.isExecuteResultMsg(message)) {
      const view = message.content.data[VIEW_MIME];
      modelId = (view as { model_id?: string } | undefined)?.model_id;
    }
  };
  const { content } = await future.done;
  if (content.status === 'error') {
    console.error(content.traceback.join('\n'));
    throw new NotMadeError(content.evalue);
  }
  if (modelId === undefined) {
    throw new NotMadeError('The kernel has made no annotator.');
  }
  return modelId;
}

/** What a kernel executes when the tab of a model is closed. */
export function closing(modelId: string): string {
  return (
    'from labkit_lab.widgets import close_annotator\n' +
    `close_annotator(${JSON.stringify(modelId)})`
  );
}

/** Wait until what was in the kernel before is known here; not for ever, because a failure of that is not told. */
export function restored(manager: KernelWidgetManager): Promise<void> {
  return new Promise(resolve => {
    if (manager.restoredStatus) {
      resolve();
    } else {
      manager.restored.connect(() => resolve());
      window.setTimeout(resolve, MOST_RESTORE_MS);
    }
  });
}
