/** Tells when a CSS pixel becomes another number of pixels of the screen: zoom of the browser, a window on another monitor. */

import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

export function watchDensity(changed: () => void): IDisposable {
  let query = queryNow();
  const listener = (): void => {
    query.removeEventListener('change', listener);
    query = queryNow(); // it holds for one density only
    query.addEventListener('change', listener);
    changed();
  };
  query.addEventListener('change', listener);
  return new DisposableDelegate(() =>
    query.removeEventListener('change', listener)
  );
}

function queryNow(): MediaQueryList {
  return window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
}
