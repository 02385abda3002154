/** What metrics are called, alone and together. */

import type { TranslationBundle } from '@jupyterlab/translation';

/** What a metric is called. */
export function metricWord(name: string, trans: TranslationBundle): string {
  const words: Readonly<Record<string, string>> = {
    loss: trans.__('loss of each step'),
    train_loss: trans.__('loss, training'),
    val_loss: trans.__('loss, validation'),
    val_dice: trans.__('Dice, validation'),
    val_iou: trans.__('IoU, validation'),
    learning_rate: trans.__('learning rate'),
    steps_per_s: trans.__('steps per second')
  };
  return words[name] ?? name.replace(/_/g, ' ');
}

/** Whether its values are shares of one. */
export function isShare(name: string): boolean {
  return /dice|iou/.test(name);
}

/** What the metrics that are drawn together are called. */
export function groupTitle(
  group: ReadonlyArray<string>,
  trans: TranslationBundle
): string {
  const [name = ''] = group;
  if (group.some(one => one.includes('loss'))) {
    return trans.__('Loss');
  }
  if (isShare(name)) {
    return trans.__('Score');
  }
  const word = metricWord(name, trans);
  return word.charAt(0).toUpperCase() + word.slice(1);
}
