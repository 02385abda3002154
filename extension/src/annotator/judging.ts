/** What a model proposes is accepted or rejected, one after the other. */

import type { IItem } from './displaylist';
import type { Easel } from './easel';

/** What nobody has judged yet, in the order of drawing. */
export function proposalsOf({ items }: Easel): IItem[] {
  return items.filter(isOpen);
}

/** Choose the proposal after what is chosen; after the last comes the first. */
export function chooseNextProposal(easel: Easel): void {
  chooseNextBut(easel, easel.session.selection.slice(-1));
}

/** Accept or reject the chosen proposals, and go to the next. */
export function judge(easel: Easel, verdict: 'accept' | 'reject'): void {
  const { session } = easel;
  const ids = session.chosen.filter(isOpen).map(({ head }) => head.id);
  if (ids.length > 0) {
    session.command(verdict, ids);
    session.selection = verdict === 'accept' ? ids : [];
    chooseNextBut(easel, ids);
  }
}

export function acceptAll(easel: Easel): void {
  const ids = proposalsOf(easel).map(({ head }) => head.id);
  if (ids.length > 0) {
    easel.session.command('accept', ids);
  }
}

/** Choose the first proposal after these that is none of them. */
function chooseNextBut(easel: Easel, ids: ReadonlyArray<string>): void {
  const { items } = easel;
  const last = items.findIndex(({ head }) => head.id === ids.at(-1));
  const round = [...items.slice(last + 1), ...items];
  const next = round.find(item => isOpen(item) && !ids.includes(item.head.id));
  if (next !== undefined) {
    easel.choose([next.head.id]);
  }
}

function isOpen({ head }: IItem): boolean {
  return head.status === 'proposed';
}
