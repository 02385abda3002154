/** Moves the frame that was painted last with the hand, while a frame with many objects is too dear to be painted for every move. */

import type { Viewport } from './viewport';

const CHEAP_MS = 8; // a frame painted in this time is painted for every move

/** Decides between painting and moving; never says no twice for longer than a frame takes to paint. */
export class Follower {
  /** What shows the painted frame; nothing is moved without it. */
  element: HTMLElement | null = null;

  /** Whether to paint this view now; if not, the last frame has been moved to where it belongs, and is to be painted soon. */
  mayPaint(view: Viewport, density: number): boolean {
    const { element, _view: painted } = this;
    if (element === null || painted === null || painted === view) {
      return true;
    }
    const { canvas } = view;
    const isResized =
      painted.canvas.height !== canvas.height ||
      painted.canvas.width !== canvas.width;
    const pause = performance.now() - this._paintedAt;
    if (isResized || this._cost <= CHEAP_MS || pause >= this._cost) {
      return true;
    }
    const scale = view.zoom / painted.zoom;
    const [y, x] = [0, 1].map(axis => {
      const [to = 0, from = 0] = [view.offset[axis], painted.offset[axis]];
      return (to - scale * from) / density;
    });
    element.style.transformOrigin = '0 0';
    element.style.transform = `matrix(${scale}, 0, 0, ${scale}, ${x}, ${y})`;
    return false;
  }

  /**
   * A view was painted, in the task that is still running: nothing is moved any more.
   *
   * @param cost - Milliseconds that it took; null if only a part of it was painted.
   */
  painted(view: Viewport, cost: number | null): void {
    this._view = view;
    this._cost = cost ?? this._cost;
    this._paintedAt = performance.now();
    if (this.element !== null) {
      this.element.style.transform = '';
    }
  }

  private _view: Viewport | null = null;
  private _cost = 0;
  private _paintedAt = 0;
}
