/** The kernels of annotators: one for each project, shared by all tabs that show its pictures. */

import { type Session, SessionAPI } from '@jupyterlab/services';

const SESSION_TYPE = 'labkit-annotate';
const KERNEL_NAME = 'python3';

/** Connects tabs with kernels, and ends a kernel with its last tab. */
export class SharedKernels {
  constructor(private readonly _sessions: Session.IManager) {}

  /**
   * Connect to the kernel of a path; it is started if there is none.
   *
   * @param path - Of the session: one for each project.
   * @param name - What lists of running kernels call it.
   * @returns A connection that is to be given to `leave`.
   */
  async join(path: string, name: string): Promise<Session.ISessionConnection> {
    this._count(path, 1);
    try {
      const model = await this._found(path, name);
      // each tab has widgets of its own; JupyterLab would let only the first connection of a page know of widgets
      const kernelConnectionOptions = { handleComms: true };
      return this._sessions.connectTo({ model, kernelConnectionOptions });
    } catch (error) {
      this._count(path, -1);
      throw error;
    }
  }

  /**
   * Give a connection back. The last one of this page ends the kernel, unless another browser uses it.
   *
   * @param parting - What the kernel is to execute if it goes on and only this page uses it.
   */
  async leave(
    session: Session.ISessionConnection,
    parting?: string
  ): Promise<void> {
    const { id, path, kernel } = session;
    const own = kernel?.connectionStatus === 'connected' ? 1 : 0;
    const others = this._count(path, -1);
    try {
      const isOurs = (await this._connections(id)) <= others + own;
      if (isOurs && others === 0) {
        await this._end(id, path);
      } else if (isOurs && parting !== undefined) {
        const future = kernel?.requestExecute({ code: parting, silent: true });
        future?.done.catch(() => undefined); // nobody waits for the answer
      }
    } catch (error) {
      console.warn('The kernel could not be ended.', error); // the server does not answer, or the kernel has gone
    } finally {
      session.dispose();
    }
  }

  private async _end(id: string, path: string): Promise<void> {
    if (!this._tabs.has(path)) {
      await this._sessions.shutdown(id); // nobody has come meanwhile
    }
  }

  private async _connections(id: string): Promise<number> {
    const { serverSettings } = this._sessions;
    const model = await SessionAPI.getSessionModel(id, serverSettings);
    return model.kernel?.connections ?? 0;
  }

  /** The session of a path; tabs that are opened at once wait for the same one. */
  private _found(path: string, name: string): Promise<Session.IModel> {
    const known = this._starting.get(path);
    if (known !== undefined) {
      return known;
    }
    const found = this._start(path, name).finally(() =>
      this._starting.delete(path)
    );
    this._starting.set(path, found);
    return found;
  }

  private async _start(path: string, name: string): Promise<Session.IModel> {
    const { serverSettings } = this._sessions;
    const kernel = { name: KERNEL_NAME };
    const asked = { path, name, type: SESSION_TYPE, kernel };
    // answers with the session that runs under this path, if there is one: no need to ask before
    const model = await SessionAPI.startSession(asked, serverSettings);
    if (model.kernel?.execution_state !== 'starting') {
      return model;
    }
    // another browser may have started one in the same moment; the first in the server's list is everybody's
    const running = await SessionAPI.listRunning(serverSettings);
    const first = running.find(other => other.path === path) ?? model;
    if (first.id !== model.id) {
      await SessionAPI.shutdownSession(model.id, serverSettings);
    }
    return first;
  }

  /** Count a tab of a path; returns how many there are now. */
  private _count(path: string, change: 1 | -1): number {
    const count = (this._tabs.get(path) ?? 0) + change;
    if (count > 0) {
      this._tabs.set(path, count);
    } else {
      this._tabs.delete(path);
    }
    return count;
  }

  private readonly _tabs = new Map<string, number>();
  private readonly _starting = new Map<string, Promise<Session.IModel>>();
}
