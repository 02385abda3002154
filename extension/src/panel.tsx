/** The Projects panel as a widget of JupyterLab. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { LabKitApi } from './api';
import { labkitIcon } from './icons';
import { ProjectsModel } from './model';
import { type IProjectsActions, ProjectsView } from './view';

export const PANEL_ID = 'labkit-projects';

export class ProjectsPanel extends ReactWidget {
  constructor(
    api: LabKitApi,
    private readonly _trans: TranslationBundle,
    actionsFor: (model: ProjectsModel) => IProjectsActions
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
    this._actions = actionsFor(this.model);
  }

  readonly model: ProjectsModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <ProjectsView
        model={this.model}
        actions={this._actions}
        trans={this._trans}
      />
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.model.watch();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    const first = this.node.querySelector<HTMLElement>(
      '.labkit-Projects-header button:enabled'
    );
    (first ?? this.node).focus();
  }

  private readonly _actions: IProjectsActions;
}
