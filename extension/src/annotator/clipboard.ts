/** What was copied: here, and where other programs find it if the browser lets us. */

/** Keeps the text of copied objects. */
export class Clipboard {
  /** Keep what was copied, and offer it to other programs. */
  keep(text: string): void {
    this._text = text;
    navigator.clipboard?.writeText(text).catch((error: unknown) => {
      console.warn(
        'The clipboard cannot be written; pasting works here.',
        error
      );
    });
  }

  /** What the clipboard holds, or what was copied here where nobody may read it. */
  async read(): Promise<string> {
    try {
      return (await navigator.clipboard.readText()) || this._text;
    } catch {
      return this._text;
    }
  }

  get text(): string {
    return this._text;
  }

  private _text = '';
}
