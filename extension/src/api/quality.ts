/** Annotations checked, compared and joined. */

import type {
  AgreementAsk,
  ConsensusAsk,
  GoldAsk,
  JobItem,
  ValidationAsk
} from '../wire';
import { pathOf } from './paths';
import type { Requests } from './requests';

export class QualityApi {
  constructor(private readonly _requests: Requests) {}

  validate(projectId: string, asked: ValidationAsk): Promise<JobItem> {
    return this._requests.post(
      pathOf('projects', projectId, 'validation'),
      asked
    );
  }

  compare(projectId: string, asked: AgreementAsk): Promise<JobItem> {
    return this._requests.post(
      pathOf('projects', projectId, 'agreement'),
      asked
    );
  }

  compareWithGold(projectId: string, asked: GoldAsk): Promise<JobItem> {
    return this._requests.post(pathOf('projects', projectId, 'gold'), asked);
  }

  buildConsensus(projectId: string, asked: ConsensusAsk): Promise<JobItem> {
    return this._requests.post(
      pathOf('projects', projectId, 'consensus'),
      asked
    );
  }
}
