/** Networks and plans in words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ArchitectureChoice, PlanItem } from '../wire';
import { HUB, bytes } from './words';

/** What a network is, and what it needs. */
export function networkWords(
  network: ArchitectureChoice,
  trans: TranslationBundle
): string {
  const needs = trans.__(
    '%1 weights; sees %2 px around; a step on one megapixel takes about %3 MB.',
    network.parameters.toLocaleString(),
    network.halo_px,
    network.memory_mb
  );
  return `${network.about} ${needs}`;
}

/** Names and values of what would be done. */
export function planFacts(
  plan: PlanItem,
  trans: TranslationBundle
): ReadonlyArray<readonly [string, string]> {
  const facts: Array<readonly [string, string]> = [
    [
      trans.__('Steps'),
      trans.__(
        '%1, %2 in each epoch',
        plan.total_steps.toLocaleString(),
        plan.steps_per_epoch.toLocaleString()
      )
    ],
    [
      trans.__('A step sees'),
      trans.__(
        '%1 tiles of %2 px, %3 channels',
        plan.batch_size,
        plan.crop_px,
        plan.channels
      )
    ],
    [
      trans.__('Learned from, looked at'),
      trans.__('%1 and %2 tiles', plan.training_chips, plan.validation_chips)
    ],
    [trans.__('Answers'), plan.outputs.join(', ')],
    [trans.__('Weights'), plan.parameters.toLocaleString()],
    [
      trans.__('Device'),
      plan.device === HUB
        ? trans.__('one of the hub, which turns out there')
        : plan.precision === null
          ? plan.device
          : `${plan.device}, ${plan.precision}`
    ]
  ];
  if (plan.memory_bytes !== null) {
    facts.push([
      trans.__('Memory of a step'),
      trans.__('about %1', bytes(plan.memory_bytes))
    ]);
  }
  return facts;
}
