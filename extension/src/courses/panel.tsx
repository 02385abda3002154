/** The Course panel as a widget of JupyterLab. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { courseIcon } from '../icons';
import { CoursesModel } from './model';
import { CoursesView, type ICourseActions } from './view';

export const COURSES_PANEL_ID = 'labkit-courses';

const CLOCK_MS = 30_000; // "how long is left" goes on

export class CoursesPanel extends ReactWidget {
  constructor(
    api: LabKitApi,
    private readonly _trans: TranslationBundle,
    actionsFor: (model: CoursesModel) => ICourseActions
  ) {
    super();
    this.id = COURSES_PANEL_ID;
    this.addClass('labkit-Projects');
    this.addClass('labkit-Courses');
    this.title.icon = courseIcon;
    this.title.caption = _trans.__('LabKit course work');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('LabKit course work'));
    this.node.tabIndex = -1;
    this.model = new CoursesModel(api, () => this.isVisible);
    this._actions = actionsFor(this.model);
    this._clock = window.setInterval(() => this.update(), CLOCK_MS);
  }

  readonly model: CoursesModel;

  override dispose(): void {
    window.clearInterval(this._clock);
    this.model.dispose();
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <CoursesView
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
    const first = this.node.querySelector<HTMLElement>('button:enabled');
    (first ?? this.node).focus();
  }

  private readonly _actions: ICourseActions;
  private readonly _clock: number;
}
