/** What can be wished of a set. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { SetList } from '../wire';
import type { BuilderModel } from './builder';
import { ChoiceRow, NumberRow, TickRows } from './fields';
import { ruleWords, splitWords } from './words';
import { type IWish, withShare } from './wish';

const MOST_PX = 100_000;
const LEAST_CHIP_PX = 16;
const MOST_CHIP_PX = 1024;
const MOST_TILE_PX = 4096;
const ANY_AUTHOR = '*';
const MOST_SEED = 2 ** 32 - 1;

export interface IFormProps {
  readonly model: BuilderModel;
  readonly wish: IWish;
  readonly found: SetList;
  readonly trans: TranslationBundle;
}

export function WishForm(props: IFormProps): React.JSX.Element {
  const { trans } = props;
  return (
    <form
      className="labkit-Sets-form"
      aria-label={trans.__('Wishes')}
      onSubmit={event => event.preventDefault()}
    >
      <Source {...props} />
      <TileRule {...props} />
      <SplitRule {...props} />
    </form>
  );
}

function Source(props: IFormProps): React.JSX.Element {
  const { found, model, trans, wish } = props;
  const authors = [...new Set(found.images.flatMap(image => image.authors))];
  const author = wish.author ?? found.me;
  const names = [...new Set([...authors, found.me])].sort((a, b) =>
    a.localeCompare(b)
  );
  const own = found.images.filter(image =>
    author === ANY_AUTHOR
      ? image.authors.length > 0
      : image.authors.includes(author)
  );
  return (
    <fieldset>
      <legend>{trans.__('Set')}</legend>
      <label className="labkit-Sets-row">
        <span>{trans.__('Name')}</span>
        <input
          type="text"
          required
          spellCheck={false}
          value={wish.name}
          onChange={event => model.change({ name: event.currentTarget.value })}
        />
      </label>
      <ChoiceRow
        label={trans.__('Annotations of')}
        value={author}
        options={[
          ...names.map(
            name =>
              [
                name,
                name === found.me ? trans.__('%1 (you)', name) : name
              ] as const
          ),
          [ANY_AUTHOR, trans.__('the agreed ones: consensus, accepted, only')]
        ]}
        onChange={name => model.change({ author: name, images: [] })}
      />
      <ImageChoice {...props} own={own} />
      <NumberRow
        label={trans.__('Side of a chip')}
        unit="px"
        value={wish.chip_px}
        least={LEAST_CHIP_PX}
        most={MOST_CHIP_PX}
        onChange={chip_px => model.change({ chip_px })}
      />
    </fieldset>
  );
}

function ImageChoice(
  props: IFormProps & { readonly own: SetList['images'] }
): React.JSX.Element | null {
  const { model, own, trans, wish } = props;
  const ids = own.map(image => image.id);
  const isAll = wish.images.length === 0;
  const chosen = isAll ? ids : wish.images;
  if (own.length < 2) {
    return null;
  }
  const change = (next: ReadonlyArray<string>): void => {
    // none at all would mean all again
    if (next.length > 0) {
      model.change({ images: next.length === ids.length ? [] : next });
    }
  };
  return (
    <details className="labkit-Sets-images">
      <summary>
        {isAll
          ? trans.__('All %1 annotated images', own.length)
          : trans.__('%1 of %2 annotated images', chosen.length, own.length)}
      </summary>
      <TickRows
        legend={trans.__('Images')}
        options={own.map(image => [image.id, image.name])}
        chosen={chosen}
        onChange={change}
      />
    </details>
  );
}

function TileRule(props: IFormProps): React.JSX.Element {
  const { found, model, trans, wish } = props;
  const { tiles } = wish;
  return (
    <fieldset>
      <legend>{trans.__('Tiles')}</legend>
      <NumberRow
        label={trans.__('Side of a tile')}
        unit="px"
        value={tiles.tile_px}
        least={LEAST_CHIP_PX}
        most={MOST_TILE_PX}
        onChange={tile_px => model.changeTiles({ tile_px })}
      />
      <ChoiceRow
        label={trans.__('Which')}
        value={tiles.kind}
        options={ruleWords(trans)}
        onChange={kind =>
          model.changeTiles({
            kind,
            ...(kind === 'number' && { count: tiles.count ?? 20 }),
            ...(kind === 'classes' &&
              tiles.classes.length === 0 && {
                classes: found.classes.map(item => item.name)
              })
          })
        }
      />
      {tiles.kind === 'annotated' && (
        <NumberRow
          label={trans.__('Annotated at least')}
          unit="%"
          value={Math.round(100 * tiles.min_coverage)}
          least={1}
          most={100}
          onChange={value => model.changeTiles({ min_coverage: value / 100 })}
        />
      )}
      {tiles.kind === 'classes' && (
        <TickRows
          legend={trans.__('One of these occurs')}
          options={found.classes.map(item => [item.name, item.name])}
          chosen={tiles.classes}
          onChange={classes => model.changeTiles({ classes })}
        />
      )}
      {tiles.kind === 'number' && (
        <NumberRow
          label={trans.__('How many')}
          value={tiles.count ?? 20}
          least={1}
          most={1_000_000}
          onChange={count => model.changeTiles({ count })}
        />
      )}
      <p className="labkit-Sets-hint">
        {tiles.kind === 'hand'
          ? trans.__(
              'Click tiles, or drag a box over them; Shift chooses as far as there.'
            )
          : trans.__('Whoever clicks a tile goes on by hand from here.')}
      </p>
    </fieldset>
  );
}

function SplitRule(props: IFormProps): React.JSX.Element {
  const { found, model, trans, wish } = props;
  const { split } = wish;
  const hasGap = split.kind !== 'images' && split.kind !== 'groups';
  const kinds = splitWords(trans).filter(
    ([kind]) =>
      kind !== 'groups' || split.kind === kind || found.group_keys.length > 0
  );
  return (
    <fieldset>
      <legend>{trans.__('Split')}</legend>
      <ChoiceRow
        label={trans.__('By')}
        value={split.kind}
        options={kinds}
        onChange={kind =>
          model.changeSplit({
            kind,
            ...(kind === 'groups' &&
              split.group === '' && { group: found.group_keys[0] ?? '' })
          })
        }
      />
      {split.kind === 'groups' && (
        <ChoiceRow
          label={trans.__('Group')}
          value={split.group}
          options={[
            ...new Set([...found.group_keys, split.group].filter(Boolean))
          ].map(key => [key, key])}
          onChange={group => model.changeSplit({ group })}
        />
      )}
      <Shares {...props} />
      {hasGap && (
        <NumberRow
          label={trans.__('Gap between parts')}
          unit="px"
          value={split.gap_px}
          least={0}
          most={MOST_PX}
          onChange={gap_px => model.changeSplit({ gap_px })}
        />
      )}
      {split.kind === 'blocks' && (
        <NumberRow
          label={trans.__('Side of a block (0: as fits)')}
          unit="px"
          value={split.block_px ?? 0}
          least={0}
          most={MOST_PX}
          onChange={side =>
            model.changeSplit({ block_px: side === 0 ? null : side })
          }
        />
      )}
      <NumberRow
        label={trans.__('Seed')}
        value={split.seed}
        least={0}
        most={MOST_SEED}
        onChange={seed => model.changeSplit({ seed })}
      />
    </fieldset>
  );
}

function Shares({ model, trans, wish }: IFormProps): React.JSX.Element {
  const { split } = wish;
  const row = (part: 'val' | 'test', label: string): React.JSX.Element => (
    <NumberRow
      label={label}
      unit="%"
      value={Math.round(100 * split[part])}
      least={0}
      most={99}
      onChange={value => model.changeSplit(withShare(split, part, value / 100))}
    />
  );
  return (
    <>
      <p className="labkit-Sets-row">
        <span>{trans.__('Train (the rest)')}</span>
        <output>{Math.round(100 * split.train)} %</output>
      </p>
      {row('val', trans.__('Val'))}
      {row('test', trans.__('Test'))}
    </>
  );
}
