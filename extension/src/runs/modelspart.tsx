/** The part of the tab with the models, and the comparison of those that are marked. */

import * as React from 'react';

import { Comparison } from './compare';
import { CompareButton } from './comparebutton';
import { type IModelsProps, Models } from './models';

export function ModelsPart(
  props: IModelsProps & {
    readonly isComparing: boolean;
    readonly onCompare: (isComparing: boolean) => void;
  }
): React.JSX.Element {
  const { api, projectId, trans } = props;
  const marked = [...props.marked];
  const isComparing = props.isComparing && marked.length > 1;
  return (
    <>
      <CompareButton
        count={marked.length}
        isComparing={isComparing}
        trans={trans}
        onClick={() => props.onCompare(!isComparing)}
      />
      {isComparing && (
        <Comparison
          api={api}
          projectId={projectId}
          asked={{ models: marked }}
          trans={trans}
        />
      )}
      <Models {...props} />
    </>
  );
}
