/** What would come of the wish, what is wrong with it, and the button that builds. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ErrorNote, Working } from '../quality/notes';
import type { ClassItem, SetProblemItem } from '../wire';
import { Balance } from './balance';
import type { BuilderModel, IBuilderState } from './builder';
import { sizeWords } from './words';

export interface IConsequencesProps {
  readonly model: BuilderModel;
  readonly state: IBuilderState;
  readonly classes: ReadonlyArray<ClassItem>;
  readonly trans: TranslationBundle;
  readonly onBuild: () => void;
}

export function Consequences(props: IConsequencesProps): React.JSX.Element {
  const { classes, model, state, trans } = props;
  const { plan } = state;
  return (
    <section
      className="labkit-Sets-consequences"
      aria-label={trans.__('What comes of it')}
      aria-busy={!state.isCurrent && state.planning !== null}
    >
      <h3>{trans.__('What comes of it')}</h3>
      {state.planning !== null ? (
        <Working
          label={trans.__('Working it out…')}
          step={state.planning}
          trans={trans}
          onCancel={() => model.stopPlanning()}
        />
      ) : (
        !state.isCurrent && (
          <p>
            <button
              type="button"
              className="labkit-Button"
              onClick={() => void model.plan()}
            >
              {trans.__('Work it out again')}
            </button>
          </p>
        )
      )}
      <ErrorNote words={state.error} />
      {plan !== null && (
        <div data-stale={!state.isCurrent}>
          <Balance parts={plan.parts} classes={classes} trans={trans} />
          <p>
            {trans.__(
              '%1 chips of %2 px, about %3 on the disk.',
              plan.parts
                .reduce((sum, part) => sum + part.chips, 0)
                .toLocaleString(),
              state.wish.chip_px,
              sizeWords(plan.size_bytes)
            )}
          </p>
          <Findings problems={plan.problems} trans={trans} />
        </div>
      )}
      <Build {...props} />
    </section>
  );
}

function Findings(props: {
  readonly problems: ReadonlyArray<SetProblemItem>;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { problems, trans } = props;
  return (
    <ul
      className="labkit-Sets-findings"
      aria-label={trans.__('Problems')}
      aria-live="polite"
    >
      {problems.length === 0 && (
        <li data-level="good">{trans.__('Nothing stands against it.')}</li>
      )}
      {problems.map(problem => (
        <li
          key={problem.code + problem.message}
          data-level={problem.level}
          data-code={problem.code}
        >
          <strong>
            {problem.level === 'error'
              ? trans.__('Error')
              : trans.__('Warning')}
          </strong>{' '}
          {problem.message} <em>{problem.hint}</em>
        </li>
      ))}
    </ul>
  );
}

function Build(props: IConsequencesProps): React.JSX.Element {
  const { model, state, trans } = props;
  const reason = reasonAgainst(state, trans);
  if (state.building !== null) {
    return (
      <Working
        label={trans.__('Building %1…', state.wish.name)}
        step={state.building}
        trans={trans}
        onCancel={() => model.stopBuilding()}
      />
    );
  }
  return (
    <p className="labkit-Sets-build">
      <button
        type="button"
        className="labkit-Button labkit-mod-primary"
        disabled={reason !== ''}
        aria-describedby="labkit-sets-reason"
        onClick={props.onBuild}
      >
        {trans.__('Build %1', state.wish.name.trim() || trans.__('the set'))}
      </button>
      <span id="labkit-sets-reason">{reason}</span>
    </p>
  );
}

/** Why the set cannot be built now; empty if it can. */
function reasonAgainst(state: IBuilderState, trans: TranslationBundle): string {
  const { isCurrent, plan, wish } = state;
  if (wish.name.trim() === '') {
    return trans.__('Give it a name first.');
  }
  if (!isCurrent || plan === null) {
    return state.planning !== null
      ? trans.__('As soon as it is worked out.')
      : trans.__('It must be worked out first.');
  }
  const errors = plan.problems.filter(problem => problem.level === 'error');
  const [first] = errors;
  return first === undefined
    ? ''
    : trans.__('Not yet: %1 %2', first.message, first.hint);
}
