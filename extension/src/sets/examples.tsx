/** A few chips as they would be, each beside what training makes of it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { useTask } from '../quality/task';
import type { PlanReport, PreviewReport } from '../wire';
import { askOf, type IWish } from './wish';

const CHIPS = 3;
const VARIANTS = 4;

export function Examples(props: {
  readonly api: LabKitApi;
  readonly projectId: string;
  readonly wish: IWish;
  /** The plan of the wish; null while there is none. */
  readonly plan: PlanReport | null;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { api, plan, projectId, trans, wish } = props;
  const [seed, setSeed] = React.useState(-1);
  const task = useTask(api, trans.__('Drawing examples…'), trans);
  const report = task.job?.previewed ?? null;
  const draw = (): void => {
    const next = seed + 1;
    setSeed(next);
    task.run(() =>
      api.sets.previewSet(projectId, {
        wish: askOf(wish),
        chips: CHIPS,
        variants: VARIANTS,
        seed: next
      })
    );
  };
  return (
    <section
      className="labkit-Sets-examples"
      aria-label={trans.__('Augmentation')}
    >
      <h3>{trans.__('Augmentation')}</h3>
      <p>
        {trans.__(
          'Training turns, mirrors and changes chips at random. Here are some, with the outlines of their objects.'
        )}
      </p>
      <p>
        <button
          type="button"
          className="labkit-Button"
          disabled={!hasChips(plan) || task.isRunning}
          onClick={draw}
        >
          {seed < 0 ? trans.__('Show examples') : trans.__('Others')}
        </button>
      </p>
      {task.note}
      {report !== null && <Sheet report={report} plan={plan} trans={trans} />}
    </section>
  );
}

function Sheet(props: {
  readonly report: PreviewReport;
  readonly plan: PlanReport | null;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { plan, report, trans } = props;
  const places = report.chips
    .map(({ image, x, y }) =>
      trans.__('%1 at row %2, column %3', plan?.images[image]?.name ?? '', y, x)
    )
    .join('; ');
  return (
    <figure>
      <img
        src={`data:image/png;base64,${report.png}`}
        width={report.width_px}
        height={report.height_px}
        alt={trans.__(
          'A row for each chip: as it is, then %1 variants. Chips: %2',
          report.variants,
          places
        )}
      />
      <figcaption>{trans.__('On the left as it is; %1', places)}</figcaption>
    </figure>
  );
}

function hasChips(plan: PlanReport | null): boolean {
  return (plan?.parts ?? []).some(part => part.chips > 0);
}
