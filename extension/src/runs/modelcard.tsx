/** The chosen model: where it stands, how it is used, and its card. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import type { ModelCardItem, ModelItem } from '../wire';
import { FactList } from './facts';
import { ModelExport } from './modelexport';
import { ModelShelf } from './modelshelf';

export interface IModelCardProps {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly model: ModelItem;
  /** Who asks. */
  readonly me: string;
  readonly trans: TranslationBundle;
  readonly onChanged: () => void;
}

export function ModelCard(props: IModelCardProps): React.JSX.Element {
  const { model, trans } = props;
  return (
    <section className="labkit-ModelCard" aria-label={model.key}>
      <h3>{model.key}</h3>
      {model.retired !== null && (
        <p className="labkit-Runs-reason">
          {trans.__('Retired: %1', model.retired)}
        </p>
      )}
      <ModelShelf {...props} />
      <ModelExport {...props} />
      <h4>{trans.__('How to use it')}</h4>
      <p>
        {trans.__(
          'In the annotator choose it under Proposals. In a notebook or a terminal:'
        )}
      </p>
      <pre tabIndex={0}>
        {`model = labkit.open_model(project, "${model.key}")\n` +
          `labkit predict PROJECT IMAGE --model ${model.key}`}
      </pre>
      <CardSections {...props} />
    </section>
  );
}

function CardSections(props: IModelCardProps): React.JSX.Element {
  const { api, model, projectId, trans } = props;
  const [card, setCard] = React.useState<ModelCardItem | null>(null);
  const [error, setError] = React.useState<readonly [string, string] | null>(
    null
  );
  React.useEffect(() => {
    let isCurrent = true;
    api.models
      .readModel(projectId, model.key)
      .then(found => isCurrent && setCard(found))
      .catch(
        (reason: unknown) => isCurrent && setError(errorWords(reason, trans))
      );
    return () => {
      isCurrent = false;
    };
  }, [api, projectId, model.key, trans]);
  return (
    <>
      <ErrorNote words={error} />
      {card?.sections.map(section => (
        <section key={section.title} aria-label={section.title}>
          <h4>{section.title}</h4>
          <FactList
            facts={section.rows.map(({ name, value }) => [name, value])}
          />
        </section>
      ))}
    </>
  );
}
