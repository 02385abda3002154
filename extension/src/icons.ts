import { LabIcon } from '@jupyterlab/ui-components';

import courseSvg from '../style/icons/course.svg';
import cardSvg from '../style/icons/labkit-card.svg';
import plainSvg from '../style/icons/labkit.svg';
import setsSvg from '../style/icons/sets.svg';

/** A cell with its nucleus and the corners of a polygon; takes the theme's colours. */
export const labkitIcon = new LabIcon({
  name: 'labkit-lab:labkit',
  svgstr: plainSvg
});

/** The same in its own colours, for the launcher. */
export const labkitCardIcon = new LabIcon({
  name: 'labkit-lab:labkit-card',
  svgstr: cardSvg
});

/** A grid of tiles, some of them chosen. */
export const setsIcon = new LabIcon({
  name: 'labkit-lab:sets',
  svgstr: setsSvg
});

/** A mortarboard. */
export const courseIcon = new LabIcon({
  name: 'labkit-lab:course',
  svgstr: courseSvg
});
