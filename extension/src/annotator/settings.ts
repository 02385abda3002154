/** What is set by hand before a gesture. */

import type { DrawMode, ToolName } from './protocol';

/** What is set by hand. */
export interface ISettings {
  readonly tool: ToolName;
  readonly mode: DrawMode;
  readonly kind: 'object' | 'area';
  readonly classId: number | null;
  readonly radius: number;
  readonly hidden: ReadonlySet<number | null>;
  /** Name of an assistant; empty is the kernel's first one. */
  readonly assistant: string;
}

export const DEFAULTS: ISettings = {
  tool: 'polygon',
  mode: 'new',
  kind: 'object',
  classId: null,
  radius: 10,
  hidden: new Set(),
  assistant: ''
};
