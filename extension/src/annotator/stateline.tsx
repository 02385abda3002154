/** The line below the picture: what is saved, how large the picture is shown, how long a micrometre is. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import type { Place } from './protocol';
import { Calm } from './calm';
import type { AnnotatorSession } from './session';
import type { Sight } from './sight';
import type { Stage } from './stage';

const MOST_BAR_PX = 120;
const STEP = 1.5; // of a zoom button, as of its key

export interface IStateLineProps {
  readonly session: AnnotatorSession;
  readonly stage: Stage;
  readonly sight: Sight;
  /** What the pointer moves over. */
  readonly canvas: HTMLElement;
  readonly viewChanged: ISignal<unknown, void>;
  readonly trans: TranslationBundle;
  /** Where somebody logs in. */
  readonly loginUrl: string;
}

export function StateLine(props: IStateLineProps): React.JSX.Element {
  return (
    <>
      <UseSignal signal={props.session.told}>
        {() => <Saving {...props} />}
      </UseSignal>
      <UseSignal signal={props.sight.changed}>
        {() => <Hidden {...props} />}
      </UseSignal>
      <Pointed {...props} />
      <UseSignal signal={props.viewChanged}>
        {() => (
          <>
            <Scale {...props} />
            <Zoom {...props} />
          </>
        )}
      </UseSignal>
    </>
  );
}

function Saving({
  session,
  trans,
  loginUrl
}: IStateLineProps): React.JSX.Element {
  const state = session.isReady ? session.saveState : 'loading';
  const words = {
    loading: trans.__('Opening…'),
    saved: trans.__('Saved'),
    saving: trans.__('Saving…'),
    offline: trans.__(
      'Offline: what you draw is kept here and saved as soon as the kernel is back'
    ),
    login: trans.__(
      'Your login has run out: what you draw is kept here, and saved once you have logged in again'
    ),
    refused: '',
    conflict: ''
  };
  const { refusal } = session;
  return (
    <div className="labkit-Annotator-saving" data-state={state}>
      <span role="status">{words[state]}</span>
      {state === 'login' && (
        <a href={loginUrl} target="_blank" rel="noopener">
          {trans.__('Log in')}
        </a>
      )}
      {['refused', 'conflict'].includes(state) && refusal !== null && (
        <>
          <span role="alert">
            <strong>{refusal.message}</strong> {refusal.hint}
          </span>
          <button
            type="button"
            className="labkit-Button"
            onClick={() => session.tryAgain()}
          >
            {refusal.retry ? trans.__('Try again') : trans.__('OK')}
          </button>
          {refusal.retry && (
            <button
              type="button"
              className="labkit-Button"
              title={trans.__('Give up the change that cannot be saved')}
              onClick={() => session.discard()}
            >
              {trans.__('Give up')}
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** Says that objects are hidden, so that none seem lost. */
function Hidden({ sight, trans }: IStateLineProps): React.JSX.Element {
  return (
    <span>{sight.settings.hidesAll && trans.__('Objects are hidden (H)')}</span>
  );
}

/** The place under the pointer, in pixels and in micrometres. */
function Pointed({ canvas, stage, trans }: IStateLineProps): React.JSX.Element {
  const [place, setPlace] = React.useState<Place | null>(null);
  React.useEffect(() => {
    let last: PointerEvent | null = null;
    const told = new Calm(() => {
      const { left, top } = canvas.getBoundingClientRect();
      const { density, view } = stage;
      const seen = last && [last.clientY - top, last.clientX - left];
      const [y = 0, x = 0] = seen ?? [];
      setPlace(seen && view.toPicture([y * density, x * density]));
    });
    const move = (event: PointerEvent): void => {
      last = event;
      told.ask();
    };
    const leave = (): void => {
      last = null;
      told.ask();
    };
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerleave', leave);
    return () => {
      told.dispose();
      canvas.removeEventListener('pointermove', move);
      canvas.removeEventListener('pointerleave', leave);
    };
  }, [canvas, stage]);
  return (
    <span className="labkit-Annotator-place">
      {place !== null && wordsFor(place, stage, trans)}
    </span>
  );
}

function wordsFor(
  [y, x]: Place,
  stage: Stage,
  trans: TranslationBundle
): string {
  const size = stage.picture.pixel_size_um;
  const pixel = trans.__('x %1, y %2 px', Math.floor(x), Math.floor(y));
  return size === null
    ? pixel
    : pixel +
        ' ' +
        trans.__(
          '(%1, %2 µm)',
          (x * size[1]).toFixed(1),
          (y * size[0]).toFixed(1)
        );
}

/** Buttons and the size of a pixel of the picture on the screen. */
function Zoom({ stage, trans }: IStateLineProps): React.JSX.Element {
  const zoom = stage.view.zoom / stage.density;
  // From what is shown at the click: this line lags behind, and the second of two quick clicks would be lost.
  const zoomBy = (factor: number): void =>
    stage.show(stage.view.zoomed(factor));
  const buttons: ReadonlyArray<[string, string, () => void]> = [
    ['−', trans.__('Zoom out (-)'), () => zoomBy(1 / STEP)],
    ['+', trans.__('Zoom in (+)'), () => zoomBy(STEP)],
    [
      '1:1',
      trans.__('One pixel of the picture for each of the screen (0)'),
      () => zoomBy(stage.density / stage.view.zoom)
    ],
    [
      trans.__('Fit'),
      trans.__('See the whole picture (Home)'),
      () => stage.fit()
    ]
  ];
  return (
    <div role="group" aria-label={trans.__('Zoom')}>
      {buttons.map(([text, title, act]) => (
        <button
          key={title}
          type="button"
          className="labkit-Button"
          aria-label={title}
          title={title}
          onClick={act}
        >
          {text}
        </button>
      ))}
      <span className="labkit-Annotator-zoom">
        {trans.__('%1 %', format(zoom * 100))}
      </span>
    </div>
  );
}

function Scale({ stage, trans }: IStateLineProps): React.JSX.Element {
  const zoom = stage.view.zoom / stage.density;
  const [um, isPhysical] = unitOf(stage);
  const length = roundLength((MOST_BAR_PX / zoom) * um);
  return (
    <span
      className="labkit-Annotator-scale"
      style={{ width: (length / um) * zoom }}
    >
      {isPhysical
        ? lengthWords(length, trans)
        : trans.__('%1 px', format(length))}
    </span>
  );
}

function lengthWords(um: number, trans: TranslationBundle): string {
  if (um >= 1000) {
    return trans.__('%1 mm', format(um / 1000));
  }
  return um < 1
    ? trans.__('%1 nm', format(um * 1000))
    : trans.__('%1 µm', format(um));
}

/** Length of a pixel, and whether it is known in micrometres. */
function unitOf(stage: Stage): [number, boolean] {
  const size = stage.picture.pixel_size_um;
  return size === null ? [1, false] : [size[1], true];
}

/** The longest of 1, 2, 5, 10, ... that is not above `most`. */
function roundLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const factor = most / power;
  return power * (factor >= 5 ? 5 : factor >= 2 ? 2 : 1);
}

function format(value: number): string {
  return String(Number(value.toPrecision(3)));
}
