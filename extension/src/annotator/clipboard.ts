/** What was copied: here, and where other programs find it if the browser lets us. */

const MOST_WAIT_MS = 10_000; // for a kernel that does not answer

/** Keeps the text of copied objects. */
export class Clipboard {
  /** Objects are being copied: until their text comes, whoever pastes waits for it, and nothing older is pasted. */
  expect(): void {
    const coming = new Promise<string>(resolve => {
      this._arrived = resolve;
    });
    this._coming = coming;
    window.setTimeout(() => {
      if (this._coming === coming) {
        this._settle();
      }
    }, MOST_WAIT_MS);
  }

  /** Keep what was copied, and offer it to other programs. */
  keep(text: string): void {
    this._text = text;
    this._settle();
    navigator.clipboard?.writeText(text).catch((error: unknown) => {
      console.warn(
        'The clipboard cannot be written; pasting works here.',
        error
      );
    });
  }

  /** What is being copied, else what the clipboard holds, or what was copied here where nobody may read it. */
  async read(): Promise<string> {
    if (this._coming !== null) {
      return this._coming;
    }
    try {
      return (await navigator.clipboard.readText()) || this._text;
    } catch {
      return this._text;
    }
  }

  /** What a paste brought is this text, unless something is being copied at this moment. */
  async pasted(text: string): Promise<string> {
    return this._coming ?? (text || this._text);
  }

  private _settle(): void {
    this._coming = null;
    this._arrived(this._text);
  }

  private _text = '';
  private _coming: Promise<string> | null = null;
  private _arrived: (text: string) => void = () => undefined;
}
