/** One training set: what is in it, how it was split, and what one can do with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { useTask } from '../quality/task';
import type { SetItem } from '../wire';
import { Balance } from './balance';
import { Difference } from './difference';
import type { IShelfProps } from './shelf';
import { completeWish, type IWish } from './wish';
import { ruleWords, splitWords } from './words';

export function SetFacts(
  props: IShelfProps & { readonly set: SetItem }
): React.JSX.Element {
  const { api, onRun, onUse, projectId, set, trans } = props;
  const task = useTask(api, trans.__('Looking at the annotations…'), trans);
  const wish = set.wish === null ? null : completeWish(set.wish);
  return (
    <section aria-label={trans.__('Facts of %1', set.key)}>
      <h3>
        {trans.__('%1, version %2', set.name, set.version)}{' '}
        <code>{set.hash}</code>
      </h3>
      <div className="labkit-Sets-two">
        <Balance parts={set.parts} classes={set.classes} trans={trans} />
        <dl className="labkit-Sets-facts">
          {factsOf(set, wish, trans).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </div>
      <p className="labkit-Sets-buttons">
        {onRun !== null && (
          <button
            type="button"
            className="labkit-Button labkit-mod-primary"
            onClick={() => onRun(set)}
          >
            {trans.__('Start a run with it')}
          </button>
        )}
        <button
          type="button"
          className="labkit-Button"
          disabled={task.isRunning}
          onClick={() =>
            task.run(() => api.sets.changesSince(projectId, set.key))
          }
        >
          {trans.__('What changed since')}
        </button>
        {wish !== null && (
          <button
            type="button"
            className="labkit-Button"
            onClick={() => onUse(wish)}
          >
            {trans.__('Use these wishes again')}
          </button>
        )}
      </p>
      {task.note}
      {task.job?.compared && (
        <Difference
          report={task.job.compared}
          label={trans.__('Changes since %1 was built', set.key)}
          trans={trans}
        />
      )}
    </section>
  );
}

function factsOf(
  set: SetItem,
  wish: IWish | null,
  trans: TranslationBundle
): ReadonlyArray<readonly [name: string, value: string]> {
  const facts: Array<readonly [string, string]> = [
    [trans.__('Images'), set.images.join(', ')],
    [trans.__('Annotations of'), set.author],
    [trans.__('Side of a chip'), `${set.chip_px} px`],
    [
      trans.__('Chips left out'),
      trans.__('%1 (no known pixel)', set.dropped_chips)
    ]
  ];
  if (wish !== null) {
    facts.push(
      [trans.__('Tiles'), tilesInWords(wish, trans)],
      [trans.__('Split'), splitInWords(set, wish, trans)]
    );
  }
  return facts;
}

function tilesInWords(wish: IWish, trans: TranslationBundle): string {
  const { tiles } = wish;
  const rule = new Map(ruleWords(trans)).get(tiles.kind) ?? tiles.kind;
  const details: Partial<Record<typeof tiles.kind, string>> = {
    annotated: `${Math.round(100 * tiles.min_coverage)} %`,
    classes: tiles.classes.join(', '),
    number: String(tiles.count ?? '')
  };
  const detail = details[tiles.kind];
  const words = detail === undefined ? rule : `${rule} ${detail}`;
  return trans.__('%1; side %2 px', words, tiles.tile_px);
}

function splitInWords(
  set: SetItem,
  wish: IWish,
  trans: TranslationBundle
): string {
  const { split } = wish;
  const kind = new Map(splitWords(trans)).get(split.kind) ?? split.kind;
  const shares = [split.train, split.val, split.test]
    .map(share => Math.round(100 * share))
    .join(' / ');
  const group = split.kind === 'groups' ? ` (${split.group})` : '';
  return trans.__(
    '%1; %2 %; gap %3 px; seed %4; %5 boxes',
    kind + group,
    shares,
    split.gap_px,
    split.seed,
    set.boxes
  );
}
