/** Models of a project. */

import type {
  JobItem,
  ModelCardItem,
  ModelExportAsk,
  ModelItem,
  ModelList,
  RetireAsk
} from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

export class ModelsApi {
  constructor(private readonly _requests: Requests) {}

  listModels(projectId: string): Promise<ModelList> {
    return this._requests.get(pathOf('projects', projectId, 'models'));
  }

  /** The card of a model, by `name/version`. */
  readModel(projectId: string, key: string): Promise<ModelCardItem> {
    return this._requests.get(ofModel(projectId, key));
  }

  /** Make a version the one that its name opens, or take a retired one back. */
  changeModel(
    projectId: string,
    key: string,
    how: 'promote' | 'restore'
  ): Promise<ModelItem> {
    return this._requests.post(ofModel(projectId, key, how), {});
  }

  retireModel(
    projectId: string,
    key: string,
    asked: RetireAsk
  ): Promise<ModelItem> {
    return this._requests.post(ofModel(projectId, key, 'retire'), asked);
  }

  /** Write a model to a file, which `jobFileUrl` then names. */
  exportModel(
    projectId: string,
    key: string,
    asked: ModelExportAsk
  ): Promise<JobItem> {
    return this._requests.post(ofModel(projectId, key, 'export'), asked);
  }
}

function ofModel(projectId: string, key: string, ...parts: string[]): string {
  return pathOf('projects', projectId, 'models', ...key.split('/'), ...parts);
}
