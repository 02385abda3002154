/** Tells whether a widget's kernel can be reached. */

import type { DOMWidgetModel } from '@jupyter-widgets/base';
import type { LabWidgetManager } from '@jupyter-widgets/jupyterlab-manager';
import type { Kernel } from '@jupyterlab/services';

/** A kernel that is watched. */
export interface IKernelWatch {
  /** Try at once, instead of when it is tried next. */
  reconnect(): void;
  end(): void;
}

/** Call `onChange` whenever the kernel comes or goes. */
export function watchKernel(
  model: DOMWidgetModel,
  onChange: (isOnline: boolean) => void
): IKernelWatch {
  const { kernel } = model.widget_manager as unknown as LabWidgetManager;
  const tell = (): void =>
    onChange(kernel !== null && isConnected(kernel) && model.comm_live);
  kernel?.connectionStatusChanged.connect(tell);
  model.on('comm_live_update', tell);
  return {
    reconnect: () => {
      if (kernel?.isDisposed === false && !isConnected(kernel)) {
        kernel.reconnect().catch((error: unknown) => console.warn(error));
      }
    },
    end: () => {
      kernel?.connectionStatusChanged.disconnect(tell);
      model.off('comm_live_update', tell);
    }
  };
}

function isConnected(kernel: Kernel.IKernelConnection): boolean {
  return kernel.connectionStatus === 'connected';
}
