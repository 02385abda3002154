/** What came back for an assignment, as a tab: points, comments, the class, the notebooks as they were executed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { LabKitApi } from '../api';
import { ErrorNote } from '../quality/notes';
import { errorWords } from '../quality/words';
import { TabPanel, Tabs } from '../tabs';
import type { FeedbackItem, FeedbackPage, FeedbackRow } from '../wire';
import { Histogram } from './histogram';
import { lateness, localTime, points } from './words';

/** Which feedback a tab shows; kept by the layout through a reload. */
export interface IFeedbackArgs {
  readonly assignment: string;
  readonly name: string;
  /** Empty for the one that counts. */
  readonly submission: string;
}

export class FeedbackView extends ReactWidget {
  constructor(
    readonly args: IFeedbackArgs,
    private readonly _api: LabKitApi,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('labkit-Quality');
    this.addClass('labkit-Feedback');
  }

  /** Read it, with addresses that are good again for a while. */
  async refresh(): Promise<void> {
    const { assignment, submission } = this.args;
    try {
      this._item = await this._api.courses.readFeedback(assignment, submission);
      this._error = null;
    } catch (error) {
      this._error = errorWords(error, this._trans);
    }
    this.update();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    void this.refresh();
  }

  protected override render(): React.JSX.Element {
    const item = this._item;
    const trans = this._trans;
    return (
      <>
        <h2>{trans.__('Feedback on %1', this.args.name)}</h2>
        <ErrorNote words={this._error} />
        {item === null && this._error === null && (
          <p role="status">{trans.__('Reading the feedback…')}</p>
        )}
        {item !== null && (
          <Feedback
            item={item}
            trans={trans}
            onRefresh={() => void this.refresh()}
          />
        )}
      </>
    );
  }

  private _item: FeedbackItem | null = null;
  private _error: readonly [string, string] | null = null;
}

interface IFeedbackProps {
  readonly item: FeedbackItem;
  readonly trans: TranslationBundle;
  readonly onRefresh: () => void;
}

function Feedback(props: IFeedbackProps): React.JSX.Element {
  const { item, trans } = props;
  return (
    <>
      <div className="labkit-Feedback-head">
        <Whole {...props} />
        {item.histogram.length > 0 && (
          <Histogram
            counts={item.histogram}
            own={
              item.max_points > 0 ? (item.points ?? 0) / item.max_points : null
            }
            mean={item.mean}
            median={item.median}
            graded={item.graded}
            maxPoints={item.max_points}
            trans={trans}
          />
        )}
      </div>
      {item.comment !== '' && (
        <blockquote className="labkit-Feedback-comment">
          {item.comment}
        </blockquote>
      )}
      <Rows {...props} />
      {item.pages.length > 0 && <Pages {...props} pages={item.pages} />}
    </>
  );
}

function Whole({ item, trans }: IFeedbackProps): React.JSX.Element {
  return (
    <section aria-label={trans.__('Points')}>
      <p className="labkit-Feedback-points">
        <strong>{item.points === null ? '–' : points(item.points)}</strong>{' '}
        {trans.__('of %1 points', points(item.max_points))}
      </p>
      <p className="labkit-Assignment-quiet">
        {trans.__(
          'Attempt %1, handed in %2',
          item.attempt,
          localTime(item.submitted, item.time_zone)
        )}
        {item.late_s > 0 && <> ({lateness(item.late_s, trans)})</>}
      </p>
      {item.penalty > 0 && (
        <p>
          {trans.__(
            '%1 points were taken off because it was late.',
            points(item.penalty)
          )}
        </p>
      )}
    </section>
  );
}

function Rows({ item, trans }: IFeedbackProps): React.JSX.Element {
  return (
    <table className="labkit-Feedback-rows">
      <caption className="labkit-visually-hidden">
        {trans.__('Points by item')}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Item')}</th>
          <th scope="col">{trans.__('Points')}</th>
          <th scope="col">{trans.__('Comment')}</th>
        </tr>
      </thead>
      <tbody>
        {item.rows.map((row, k) => (
          <Row key={k} row={row} trans={trans} />
        ))}
      </tbody>
    </table>
  );
}

function Row(props: {
  readonly row: FeedbackRow;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { row, trans } = props;
  const isFull = row.points !== null && row.points >= row.max_points;
  return (
    <tr data-full={isFull}>
      <th scope="row">
        {row.title}
        <small>
          {row.notebook === '' ? '' : `${row.notebook} · `}
          {howWord(row.how, trans)}
        </small>
      </th>
      <td>
        {row.points === null ? '–' : points(row.points)}
        {' / '}
        {points(row.max_points)}
      </td>
      <td>
        {row.comment !== '' && <p>{row.comment}</p>}
        {row.note !== '' && (
          <p className="labkit-Assignment-quiet">{row.note}</p>
        )}
        {row.pins.length > 0 && (
          <ol aria-label={trans.__('Pinned to the picture')}>
            {row.pins.map((text, k) => (
              <li key={k}>{text}</li>
            ))}
          </ol>
        )}
      </td>
    </tr>
  );
}

function howWord(how: FeedbackRow['how'], trans: TranslationBundle): string {
  switch (how) {
    case 'cell':
      return trans.__('test');
    case 'hand':
      return trans.__('read by a person');
    case 'assertion':
      return trans.__('check of what you export');
    case 'metric':
      return trans.__('measured on hidden pictures');
  }
}

/** The executed notebooks. Nothing in them may run, or know where it is shown. */
function Pages(
  props: IFeedbackProps & { readonly pages: ReadonlyArray<FeedbackPage> }
): React.JSX.Element {
  const { onRefresh, pages, trans } = props;
  const [chosen, setChosen] = React.useState(pages[0]?.notebook ?? '');
  const page = pages.find(({ notebook }) => notebook === chosen) ?? pages[0];
  return (
    <section aria-label={trans.__('As it was executed')}>
      <h3>
        {trans.__('As it was executed')}
        <button type="button" className="labkit-Link" onClick={onRefresh}>
          {trans.__('Load again')}
        </button>
      </h3>
      <Tabs
        name="feedback"
        label={trans.__('As it was executed')}
        value={page?.notebook ?? ''}
        tabs={pages.map(({ notebook }) => [notebook, notebook])}
        onChange={setChosen}
      />
      <TabPanel name="feedback" value={page?.notebook ?? ''}>
        <iframe
          className="labkit-Feedback-page"
          sandbox=""
          referrerPolicy="no-referrer"
          title={trans.__('%1 as it was executed', page?.notebook ?? '')}
          src={page?.url ?? 'about:blank'}
        />
      </TabPanel>
    </section>
  );
}
