/** The tools by name, key and picture. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { LabIcon } from '@jupyterlab/ui-components';

import type { ToolName } from './protocol';

export interface ITool {
  readonly name: ToolName;
  readonly key: string;
  readonly icon: LabIcon;
}

export const TOOLS: ReadonlyArray<ITool> = [
  tool('select', 'v', '<path d="M3 2v10.5l2.8-2.6 1.9 4 1.8-.8-1.9-4h3.9z"/>'),
  tool(
    'edit',
    'd',
    '<path d="M3 12 7 4l6 5"/><rect x="1.5" y="10.5" width="3" height="3"/><rect x="5.5" y="2.5" width="3" height="3"/><rect x="11.5" y="7.5" width="3" height="3"/>'
  ),
  tool('polygon', 'p', '<path d="M8 2 14 6.5 11.5 13.5h-7L2 6.5z"/>'),
  tool('box', 'b', '<rect x="2.5" y="3.5" width="11" height="9"/>'),
  tool('ellipse', 'e', '<ellipse cx="8" cy="8" rx="6" ry="4.5"/>'),
  tool(
    'point',
    'o',
    '<circle cx="8" cy="8" r="2.2"/><path d="M8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3"/>'
  ),
  tool(
    'brush',
    'u',
    '<path d="M13.5 2.5 7 9M7 9c-2.6-.6-3.4 1-3.6 2.4-.1 1-.7 1.6-1.4 1.8 2.6 1 6.2.2 5.9-2.7z"/>'
  ),
  tool(
    'eraser',
    'x',
    '<path d="m9.5 2.5 4 4-7 7h-3l-2-2zM6 6l4 4M6.5 13.5h7"/>'
  ),
  tool(
    'split',
    'k',
    '<path d="m3 3 8 7.4M3 13l8-7.4"/><circle cx="12.3" cy="11.6" r="1.7"/><circle cx="12.3" cy="4.4" r="1.7"/>'
  ),
  tool(
    'assist',
    'a',
    '<path d="m2.5 13.5 7-7M11.5 1.5v3M10 3h3M5 2v2M4 3h2M13 8.5v2M12 9.5h2"/>'
  )
];

/** What a tool does, in the words of its button. */
export function describe(tool: ToolName, trans: TranslationBundle): string {
  switch (tool) {
    case 'select':
      return trans.__('Select and move');
    case 'edit':
      return trans.__('Edit vertices');
    case 'polygon':
      return trans.__('Polygon: click vertices, or draw freehand');
    case 'box':
      return trans.__('Box');
    case 'ellipse':
      return trans.__('Ellipse');
    case 'point':
      return trans.__('Point');
    case 'brush':
      return trans.__(
        'Brush: paints on the chosen object where it touches it, else a new one'
      );
    case 'eraser':
      return trans.__('Eraser');
    case 'split':
      return trans.__('Split along a line');
    case 'assist':
      return trans.__('Assistant: click on an object, or drag around it');
  }
}

function tool(name: ToolName, key: string, shapes: string): ITool {
  return { name, key, icon: lineIcon(name, shapes) };
}

/** An icon of lines in the colour of the text. */
function lineIcon(name: string, shapes: string): LabIcon {
  return new LabIcon({
    name: `labkit-lab:tool-${name}`,
    svgstr:
      '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" ' +
      `stroke-width="1.4" stroke-linejoin="round" stroke-linecap="round">${shapes}</svg>`
  });
}
