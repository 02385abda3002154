/** The Projects panel as a widget of JupyterLab. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { LabKitApi } from './api';
import { holdsFiles } from './dropping';
import { labkitIcon } from './icons';
import type { IImageSource } from './images';
import { ProjectsModel } from './model';
import { UploadsModel } from './uploads';
import { type IProjectsActions, ProjectsView } from './view';

export const PANEL_ID = 'labkit-projects';
const DRAG_EVENTS = ['dragenter', 'dragover', 'dragleave', 'drop'];

export class ProjectsPanel extends ReactWidget {
  constructor(
    api: LabKitApi,
    private readonly _trans: TranslationBundle,
    actionsFor: (panel: ProjectsPanel) => IProjectsActions,
    private readonly _onDrop: (
      panel: ProjectsPanel,
      data: DataTransfer,
      projectId: string | null
    ) => void
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('labkit-Projects');
    this.title.icon = labkitIcon;
    this.title.caption = _trans.__('LabKit projects');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('LabKit projects'));
    this.node.tabIndex = -1;
    this.model = new ProjectsModel(api, () => this.isVisible);
    this.uploads = new UploadsModel(
      api,
      () => this.isVisible,
      () => void this.model.refresh()
    );
    this._images = {
      list: id => api.projects.listImages(id, true),
      url: (id, image, maxPx) => api.projects.imageUrl(id, image, maxPx)
    };
    this._actions = actionsFor(this);
  }

  readonly model: ProjectsModel;
  readonly uploads: UploadsModel;

  override dispose(): void {
    this.uploads.dispose();
    this.model.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <ProjectsView
        model={this.model}
        uploads={this.uploads}
        images={this._images}
        actions={this._actions}
        trans={this._trans}
      />
    );
  }

  /** Files that are dragged over the panel; what else is dragged is not ours. */
  handleEvent(event: Event): void {
    const drag = event as DragEvent;
    if (!holdsFiles(drag.dataTransfer) || drag.dataTransfer === null) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const card = (event.target as HTMLElement).closest<HTMLElement>(
      '[data-project-id]'
    );
    this._mark(event.type === 'dragover' ? (card ?? this.node) : null);
    if (event.type === 'drop') {
      this._onDrop(this, drag.dataTransfer, card?.dataset.projectId ?? null);
    }
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    for (const type of DRAG_EVENTS) {
      this.node.addEventListener(type, this);
    }
  }

  protected override onBeforeDetach(msg: Message): void {
    for (const type of DRAG_EVENTS) {
      this.node.removeEventListener(type, this);
    }
    super.onBeforeDetach(msg);
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.model.watch();
    this.uploads.watch();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    const first = this.node.querySelector<HTMLElement>(
      '.labkit-Projects-header button:enabled'
    );
    (first ?? this.node).focus();
  }

  /** Show where the files would go. */
  private _mark(target: HTMLElement | null): void {
    if (this._marked !== target) {
      this._marked?.classList.remove('labkit-mod-dropTarget');
      target?.classList.add('labkit-mod-dropTarget');
      this._marked = target;
    }
  }

  private readonly _actions: IProjectsActions;
  private readonly _images: IImageSource;
  private _marked: HTMLElement | null = null;
}
