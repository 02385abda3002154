/** Tells whether a widget's kernel can be reached. */

import type { DOMWidgetModel } from '@jupyter-widgets/base';
import type { LabWidgetManager } from '@jupyter-widgets/jupyterlab-manager';

/** Call `onChange` whenever the kernel comes or goes; returns what ends the watching. */
export function watchKernel(
  model: DOMWidgetModel,
  onChange: (isOnline: boolean) => void
): () => void {
  const { kernel } = model.widget_manager as unknown as LabWidgetManager;
  const tell = (): void =>
    onChange(kernel?.connectionStatus === 'connected' && model.comm_live);
  kernel?.connectionStatusChanged.connect(tell);
  model.on('comm_live_update', tell);
  return () => {
    kernel?.connectionStatusChanged.disconnect(tell);
    model.off('comm_live_update', tell);
  };
}
