/** Tells whether a widget's kernel can be reached. */

import type { DOMWidgetModel } from '@jupyter-widgets/base';
import type { LabWidgetManager } from '@jupyter-widgets/jupyterlab-manager';

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
    onChange(kernel?.connectionStatus === 'connected' && model.comm_live);
  kernel?.connectionStatusChanged.connect(tell);
  model.on('comm_live_update', tell);
  return {
    reconnect: () => {
      if (kernel?.connectionStatus !== 'connected') {
        kernel?.reconnect().catch((error: unknown) => console.warn(error));
      }
    },
    end: () => {
      kernel?.connectionStatusChanged.disconnect(tell);
      model.off('comm_live_update', tell);
    }
  };
}
