/** Names of the commands that LabKit adds to JupyterLab. */
export namespace CommandIDs {
  export const showProjects = 'labkit:show-projects';
  export const newProject = 'labkit:new-project';
  export const refreshProjects = 'labkit:refresh-projects';
}
