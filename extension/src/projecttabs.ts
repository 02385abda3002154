/** Tabs of the main area that belong to a project: one each, found again when it is asked for once more, and kept through a reload. */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import {
  InputDialog,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import type { LabKitApi } from './api';
import { errorWords } from './quality/words';

/** What a tab shows, kept by the layout through a reload. */
export interface IProjectArgs {
  readonly projectId: string;
  readonly title: string;
}

/** The content of such a tab. */
export interface IProjectView extends Widget {
  readonly args: IProjectArgs;
}

export interface IProjectTabsOptions<
  Args extends IProjectArgs,
  View extends IProjectView
> {
  /** Keeps ids of tabs and the state of the layout apart from others. */
  readonly name: string;
  readonly icon: LabIcon;
  readonly titleOf: (project: string) => string;
  readonly make: (args: Args) => View;
}

/** The tabs of one kind. */
export class ProjectTabs<Args extends IProjectArgs, View extends IProjectView> {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _options: IProjectTabsOptions<Args, View>
  ) {
    this._tracker = new WidgetTracker({ namespace: `labkit-${_options.name}` });
  }

  /** Show the tab of a project as it is, or open one. */
  show(args: Args): View {
    const open = this._tracker.find(
      ({ content }) => content.args.projectId === args.projectId
    );
    if (open === undefined) {
      return this._open(args);
    }
    this._app.shell.activateById(open.id);
    return open.content;
  }

  /** Let the layout know that a tab shows something else. */
  save(view: View): void {
    const main = this._tracker.find(({ content }) => content === view);
    if (main !== undefined) {
      void this._tracker.save(main);
    }
  }

  /** Open after a reload what was open before; `command` shows a tab. */
  restore(restorer: ILayoutRestorer | null, command: string): void {
    void restorer?.restore(this._tracker, {
      command,
      args: ({ content }) => ({ ...content.args }),
      name: ({ content }) => content.args.projectId
    });
  }

  private _open(args: Args): View {
    const { icon, make, name, titleOf } = this._options;
    const content = make(args);
    const main = new MainAreaWidget({ content });
    main.id = `labkit-${name}-${args.projectId}`;
    main.toolbar.hide();
    main.title.label = titleOf(args.title);
    content.node.setAttribute('aria-label', main.title.label); // in place of "main area content"
    main.title.icon = icon;
    main.title.closable = true;
    void this._tracker.add(main);
    this._app.shell.add(main, 'main');
    return content;
  }

  private readonly _tracker: WidgetTracker<MainAreaWidget<View>>;
}

/** Which project a command means: the one that its caller or the layout names, else one that the person chooses; null when they changed their mind. */
export async function projectOf(
  received: Readonly<Record<string, unknown>>,
  api: LabKitApi,
  question: string,
  trans: TranslationBundle
): Promise<IProjectArgs | null> {
  const projectId = String(received['projectId'] ?? '');
  return projectId === ''
    ? chooseProject(api, question, trans)
    : { projectId, title: String(received['title'] ?? projectId) };
}

async function chooseProject(
  api: LabKitApi,
  question: string,
  trans: TranslationBundle
): Promise<IProjectArgs | null> {
  try {
    const { projects } = await api.projects.listProjects(false);
    const known = projects.map(({ id, title }) => ({ projectId: id, title }));
    const [only, ...others] = known;
    if (only === undefined) {
      Notification.info(trans.__('There is no project yet. Make one first.'));
      return null;
    }
    if (others.length === 0) {
      return only;
    }
    const titles = known.map(({ title }) => title);
    const chosen = await InputDialog.getItem({
      title: question,
      items: titles,
      okLabel: trans.__('Show')
    });
    const index = chosen.value === null ? -1 : titles.indexOf(chosen.value);
    return chosen.button.accept ? (known[index] ?? null) : null;
  } catch (error) {
    Notification.error(errorWords(error, trans).join(' '));
    return null;
  }
}
