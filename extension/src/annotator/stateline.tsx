/** The line below the picture: what is saved, how large the picture is shown, how long a micrometre is. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import type { AnnotatorSession } from './session';
import type { Stage } from './stage';

const MOST_BAR_PX = 120;

export interface IStateLineProps {
  readonly session: AnnotatorSession;
  readonly stage: Stage;
  readonly viewChanged: ISignal<unknown, void>;
  readonly trans: TranslationBundle;
  /** Where somebody logs in. */
  readonly loginUrl: string;
}

export function StateLine(props: IStateLineProps): React.JSX.Element {
  return (
    <>
      <UseSignal signal={props.session.changed}>
        {() => <Saving {...props} />}
      </UseSignal>
      <UseSignal signal={props.viewChanged}>
        {() => <Scale {...props} />}
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

function Scale({ stage, trans }: IStateLineProps): React.JSX.Element {
  const zoom = stage.view.zoom / stage.density;
  const [um, isPhysical] = unitOf(stage);
  const length = roundLength((MOST_BAR_PX / zoom) * um);
  return (
    <>
      <span
        className="labkit-Annotator-scale"
        style={{ width: (length / um) * zoom }}
      >
        {isPhysical
          ? trans.__('%1 µm', format(length))
          : trans.__('%1 px', format(length))}
      </span>
      <span className="labkit-Annotator-zoom">
        {trans.__('%1 %', format(zoom * 100))}
      </span>
    </>
  );
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
