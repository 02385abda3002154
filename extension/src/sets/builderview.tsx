/** The builder: wishes on the left, pictures in the middle, what comes of it on the right. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Slider } from '../annotator/numberfield';
import type { LabKitApi } from '../api';
import type { SetItem, SetList } from '../wire';
import type { BuilderModel, IBuilderState } from './builder';
import { Consequences } from './consequences';
import { Examples } from './examples';
import { WishForm } from './form';
import { Legend } from './legend';
import { TileCanvas } from './tilecanvas';

const LEAST_PX = 160;
const MOST_PX = 1600;
const USUAL_PX = 420;
const LARGEST_THUMBNAIL_PX = 1024;
const FEWEST_THUMBNAIL_PX = 256;

export interface IBuilderViewProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly model: BuilderModel;
  readonly found: SetList;
  readonly trans: TranslationBundle;
  readonly onBuilt: (set: SetItem) => void;
}

export function BuilderView(props: IBuilderViewProps): React.JSX.Element {
  const { api, found, model, projectId, trans } = props;
  const state = useBuilder(model);
  const build = async (): Promise<void> => {
    const built = await model.build();
    if (built !== null) {
      props.onBuilt(built);
    }
  };
  if (!found.images.some(image => image.authors.length > 0)) {
    return (
      <p className="labkit-Sets-empty">
        {trans.__(
          'Nothing is annotated in this project yet. Annotate an image, or import annotations; then a set can be made of it.'
        )}
      </p>
    );
  }
  return (
    <div className="labkit-Sets-builder">
      <WishForm model={model} wish={state.wish} found={found} trans={trans} />
      <Pictures {...props} state={state} />
      <div className="labkit-Sets-outcome">
        <Consequences
          model={model}
          state={state}
          classes={found.classes}
          trans={trans}
          onBuild={() => void build()}
        />
        <Examples
          api={api}
          projectId={projectId}
          wish={state.wish}
          plan={state.isCurrent ? state.plan : null}
          trans={trans}
        />
      </div>
    </div>
  );
}

function Pictures(
  props: IBuilderViewProps & { readonly state: IBuilderState }
): React.JSX.Element {
  const { api, found, model, projectId, state, trans } = props;
  const [side, setSide] = React.useState(USUAL_PX);
  return (
    <section
      className="labkit-Sets-pictures"
      aria-label={trans.__('Tiles of the images')}
    >
      <div className="labkit-Sets-bar">
        <Legend classes={found.classes} trans={trans} />
        <label>
          {trans.__('Size')}
          <Slider
            label={trans.__('Size of the pictures')}
            value={side}
            least={LEAST_PX}
            most={MOST_PX}
            step={20}
            onChange={setSide}
          />
        </label>
      </div>
      <div className="labkit-Sets-grids">
        {state.grids.map(grid => (
          <TileCanvas
            key={grid.item.id}
            grid={grid}
            imageUrl={api.projects.imageUrl(
              projectId,
              grid.item.id,
              thumbnailPx(side)
            )}
            classes={found.classes}
            widthPx={widthOf(grid.item, side)}
            trans={trans}
            onChoose={next => model.choose(next)}
          />
        ))}
      </div>
    </section>
  );
}

/** The state of the model, drawn again with each change. */
function useBuilder(model: BuilderModel): IBuilderState {
  return React.useSyncExternalStore(
    React.useCallback(
      note => {
        model.changed.connect(note);
        return () => model.changed.disconnect(note);
      },
      [model]
    ),
    () => model.state
  );
}

/** A picture's width, so that its longer side is the one that is set. */
function widthOf(
  item: { readonly height_px: number; readonly width_px: number },
  side: number
): number {
  const { height_px, width_px } = item;
  return Math.round((side * width_px) / Math.max(width_px, height_px));
}

/** Few sizes of small pictures, so that moving the slider asks for few. */
function thumbnailPx(side: number): number {
  const wanted = side * window.devicePixelRatio;
  let px = FEWEST_THUMBNAIL_PX;
  while (px < wanted && px < LARGEST_THUMBNAIL_PX) {
    px *= 2;
  }
  return px;
}
