/** Typed requests to the server extension, one method for each route; a room for each subject. */

import type { ServerConnection } from '@jupyterlab/services';

import { AuthoringApi } from './authoring';
import { CoursesApi } from './courses';
import { DocumentsApi } from './documents';
import { ExchangeApi } from './exchange';
import { JobsApi } from './jobs';
import { ModelsApi } from './models';
import { PixelsApi } from './pixels';
import { ProjectsApi } from './projects';
import { QualityApi } from './quality';
import { Requests } from './requests';
import { RunsApi } from './runs';
import { SessionApi } from './session';
import { SetsApi } from './sets';
import { UploadsApi } from './uploads';
export {
  RefusedError,
  ServerPartMissingError,
  UnreachableError
} from './errors';
export type { IDocumentName } from './documents';
export type { IRunName } from './runs';

/** All that can be asked for. */
export class LabKitApi {
  constructor(settings: ServerConnection.ISettings) {
    const requests = new Requests(settings);
    this.authoring = new AuthoringApi(requests);
    this.courses = new CoursesApi(requests);
    this.documents = new DocumentsApi(requests);
    this.exchange = new ExchangeApi(requests);
    this.jobs = new JobsApi(requests);
    this.models = new ModelsApi(requests);
    this.pixels = new PixelsApi(requests);
    this.projects = new ProjectsApi(requests);
    this.quality = new QualityApi(requests);
    this.runs = new RunsApi(requests);
    this.session = new SessionApi(settings);
    this.sets = new SetsApi(requests);
    this.uploads = new UploadsApi(requests);
  }

  readonly authoring: AuthoringApi;
  readonly courses: CoursesApi;
  readonly documents: DocumentsApi;
  readonly exchange: ExchangeApi;
  readonly jobs: JobsApi;
  readonly models: ModelsApi;
  readonly pixels: PixelsApi;
  readonly projects: ProjectsApi;
  readonly quality: QualityApi;
  readonly runs: RunsApi;
  readonly session: SessionApi;
  readonly sets: SetsApi;
  readonly uploads: UploadsApi;
}
