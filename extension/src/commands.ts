/** Names of the commands that LabKit adds to JupyterLab. */
export namespace CommandIDs {
  export const showProjects = 'labkit:show-projects';
  export const newProject = 'labkit:new-project';
  export const refreshProjects = 'labkit:refresh-projects';
}

/** Where the palette lists them. */
export const CATEGORY = 'LabKit';

/** Opens one picture; not in the palette, because it needs to be told which. */
export const ANNOTATE = 'labkit:annotate';

/** Opens a further tab with the picture of one that is open. */
export const ANOTHER_VIEW = 'labkit:another-view';

/** Shows the quality of one project. */
export const QUALITY = 'labkit:quality';

/** Builds training sets of one project, and shows those there are. */
export const TRAINING_SETS = 'labkit:training-sets';

/** Shows the runs and models of one project; without being told which, it asks. */
export const RUNS = 'labkit:runs';

/** Shows the Course panel. */
export const SHOW_COURSES = 'labkit:show-courses';

/** Says what the active cell is in an assignment: for who writes one. */
export const CELL_KIND = 'labkit:cell-kind';

/** Shows what came back for one assignment; it needs to be told for which. */
export const FEEDBACK = 'labkit:feedback';
