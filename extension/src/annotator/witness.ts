/** Tells what was painted and saved, as events that bubble up from the canvas: whoever measures listens, and of us only the tab, to the login. */

/** What each event carries; its name is `labkit-annotator:` and the key. */
export interface IWitnessed {
  /** Picture and objects were painted. */
  readonly frame: {
    /** Whether every tile in sight was there at its own level. */
    readonly complete: boolean;
    /** Number of objects in the document. */
    readonly objects: number;
  };
  /** The last frame was moved with the hand; the next one is painted soon. */
  readonly follow: Record<string, never>;
  /** What the hand does was painted. */
  readonly preview: Record<string, never>;
  /** The kernel answered a gesture or a command. */
  readonly ack: { readonly number: number };
  /** Somebody has logged in again. */
  readonly login: Record<string, never>;
}

export function tell<K extends keyof IWitnessed>(
  node: HTMLElement,
  name: K,
  detail: IWitnessed[K]
): void {
  const options = { bubbles: true, detail };
  node.dispatchEvent(new CustomEvent(`labkit-annotator:${name}`, options));
}
