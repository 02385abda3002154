/** Joins the review with an annotator: section, pins, claims, and the places that other views point to. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { IDocumentName, LabKitApi } from '../api';
import { documentBoard, type IChange, keyOf } from '../documents';
import type { Easel } from './easel';
import type { Place } from './protocol';
import { ReviewSection } from './review';
import { ReviewModel } from './reviewmodel';
import { drawPins, PinSetter } from './reviewpins';
import type { Stage } from './stage';

/** The parts of an annotator that are joined. */
export interface IAnnotatorParts {
  readonly api: LabKitApi;
  readonly document: IDocumentName;
  readonly easel: Easel;
  readonly stage: Stage;
  readonly trans: TranslationBundle;
}

/** Add the section, and follow what happens; dispose it with the view. */
export function openReview(
  parts: IAnnotatorParts,
  widget: Widget,
  host: HTMLElement,
  isReadOnly: boolean,
  add: (element: React.JSX.Element) => void
): IDisposable {
  const { api, document, easel, stage, trans } = parts;
  const model = new ReviewModel(api, document, () => widget.isVisible, trans);
  const pins = new PinSetter(host, event => placeIn(host, event, stage));
  easel.drawAbove = (context, view) =>
    drawPins(context, view, stage.density, model, easel.session.list);
  model.changed.connect(() => stage.repaintOverlay());
  if (isReadOnly) {
    easel.set({ tool: 'select' });
  }
  add(
    <ReviewSection
      model={model}
      easel={easel}
      stage={stage}
      pins={pins}
      isReadOnly={isReadOnly}
      trans={trans}
    />
  );
  const follows = [followWork(parts, model), followPlaces(parts)];
  return new DisposableDelegate(() => {
    pins.stop();
    follows.forEach(one => one.dispose());
    model.dispose();
  });
}

/** Claim while somebody draws, give back when it is finished; look again when a file was imported. */
function followWork(
  { document, easel }: IAnnotatorParts,
  model: ReviewModel
): IDisposable {
  const { session } = easel;
  let wasFinished: boolean | null = null;
  let isFinishing = false; // its own answer, which follows the change, is no work any more
  const onAnswer = (): void => {
    if (!isFinishing) {
      model.noteWork();
    }
    isFinishing = false;
  };
  const onChange = (): void => {
    const isFinished = session.completedTasks.includes('finished');
    if (wasFinished === false && isFinished) {
      isFinishing = true;
      model.release();
    }
    wasFinished = session.isReady ? isFinished : null;
  };
  const onOutside = (_: unknown, change: IChange): void => {
    const isOurs =
      change.document === null || keyOf(change.document) === keyOf(document);
    if (isOurs && change.what === 'objects') {
      session.hello();
    }
  };
  session.answered.connect(onAnswer);
  session.changed.connect(onChange);
  documentBoard.changed.connect(onOutside);
  return new DisposableDelegate(() => {
    session.answered.disconnect(onAnswer);
    session.changed.disconnect(onChange);
    documentBoard.changed.disconnect(onOutside);
  });
}

/** Show the object or place that another view points to, at once or when the document has come. */
function followPlaces({
  document,
  easel,
  stage
}: IAnnotatorParts): IDisposable {
  const { session } = easel;
  const look = (): void => {
    const isReady = session.isReady && stage.view.canvas.height > 1;
    const target = isReady ? documentBoard.takeTarget(document) : null;
    if (target === null) {
      return;
    }
    const { objectId, place } = target;
    if (objectId !== undefined && session.list.get(objectId) !== undefined) {
      easel.choose([objectId]);
    } else if (place !== undefined) {
      const [y, x] = place;
      stage.show(stage.view.showing({ y0: y, x0: x, y1: y, x1: x }));
    }
  };
  const onPointed = (_: unknown, key: string): void => {
    if (key === keyOf(document)) {
      look();
    }
  };
  documentBoard.pointed.connect(onPointed);
  session.changed.connect(look);
  return new DisposableDelegate(() => {
    documentBoard.pointed.disconnect(onPointed);
    session.changed.disconnect(look);
  });
}

/** Pixels of the picture where the pointer is. */
function placeIn(host: HTMLElement, event: PointerEvent, stage: Stage): Place {
  const area = host.getBoundingClientRect();
  return stage.view.toPicture([
    (event.clientY - area.top) * stage.density,
    (event.clientX - area.left) * stage.density
  ]);
}
