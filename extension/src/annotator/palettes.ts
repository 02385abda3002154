/** Colours for classes and objects: those of the project, or sets that eyes with any colour vision can tell apart. */

import type { IClass } from './protocol';

export type SchemeName = 'project' | 'okabe-ito' | 'bright';

/**
 * Okabe and Ito, "Color Universal Design: how to make figures and presentations that are friendly to colorblind people", 2008; their
 * black comes last, because it is lost on dark pictures.
 */
const OKABE_ITO = [
  '#e69f00',
  '#56b4e9',
  '#009e73',
  '#f0e442',
  '#0072b2',
  '#d55e00',
  '#cc79a7',
  '#000000'
] as const;

/** Paul Tol, "Colour Schemes", SRON/EPS/TN/09-002, issue 3.2, 2021: the scheme "bright". */
const BRIGHT = [
  '#4477aa',
  '#ee6677',
  '#228833',
  '#ccbb44',
  '#66ccee',
  '#aa3377',
  '#bbbbbb'
] as const;

const PALETTES: Readonly<Record<SchemeName, ReadonlyArray<string>>> = {
  project: [...OKABE_ITO.slice(0, 7), ...BRIGHT.slice(0, 6)],
  'okabe-ito': OKABE_ITO,
  bright: BRIGHT
};

export const SCHEMES = Object.keys(PALETTES) as ReadonlyArray<SchemeName>;

/** Classes in the colours of a scheme; with more classes than colours these begin again. */
export function recoloured(
  classes: ReadonlyArray<IClass>,
  scheme: SchemeName
): ReadonlyArray<IClass> {
  if (scheme === 'project') {
    return classes;
  }
  const palette = PALETTES[scheme];
  return classes.map((item, k) => ({
    ...item,
    colour: palette[k % palette.length] ?? item.colour
  }));
}

/** The colour of one object among many: the same in every session, because it follows from the id. */
export function objectColour(id: string, scheme: SchemeName): string {
  const palette = PALETTES[scheme];
  let hash = 0;
  for (let k = 0; k < id.length; k++) {
    hash = (hash * 31 + id.charCodeAt(k)) | 0;
  }
  return palette[(hash >>> 0) % palette.length] ?? '#ffffff';
}
