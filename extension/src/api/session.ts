/** Whether the server still knows who looks. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { notUnderstood } from './requests';

export class SessionApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  /** Whether the server still knows who we are; it is asked without counting as somebody at work. */
  async isLoggedIn(): Promise<boolean> {
    const url = URLExt.join(
      this._settings.baseUrl,
      'api/me?no_track_activity=1'
    );
    const response = await ServerConnection.makeRequest(
      url,
      { method: 'GET' },
      this._settings
    );
    if (response.status === 401 || response.status === 403) {
      return false;
    }
    if (!response.ok) {
      throw notUnderstood(response);
    }
    return true;
  }

  /** Where somebody logs in. */
  get loginUrl(): string {
    return URLExt.join(this._settings.baseUrl, 'login');
  }
}
