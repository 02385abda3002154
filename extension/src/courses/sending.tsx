/** The dialogs of handing in: what is sent, then the receipt. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type {
  AssignmentEntry,
  ReceiptItem,
  SendPlan,
  SendProblem
} from '../wire';
import { fileSize, lateness, lateWords, localTime } from './words';

/** Show what would be sent; whether the person wants it. */
export async function confirmSending(
  entry: AssignmentEntry,
  plan: SendPlan,
  now: number,
  trans: TranslationBundle
): Promise<boolean> {
  const isPossible = !plan.problems.some(
    ({ severity }) => severity === 'error'
  );
  const cancel = Dialog.cancelButton({
    label: isPossible ? trans.__('Not yet') : trans.__('Close')
  });
  const submit = Dialog.okButton({ label: trans.__('Submit') });
  const chosen = await showDialog({
    title: trans.__('Submit %1', entry.name),
    body: <Plan entry={entry} plan={plan} now={now} trans={trans} />,
    buttons: isPossible ? [cancel, submit] : [cancel],
    defaultButton: isPossible ? 1 : 0
  });
  return isPossible && chosen.button.accept;
}

interface IPlanProps {
  readonly entry: AssignmentEntry;
  readonly plan: SendPlan;
  readonly now: number;
  readonly trans: TranslationBundle;
}

function Plan(props: IPlanProps): React.JSX.Element {
  const { plan, trans } = props;
  return (
    <div className="labkit-Sending">
      <Problems problems={plan.problems} />
      <Warnings {...props} />
      <FileTable
        files={plan.files}
        caption={trans.__('What is sent')}
        trans={trans}
      />
      {plan.left_out.length > 0 && (
        <details>
          <summary>
            {trans._n(
              '%1 is not sent',
              '%1 are not sent',
              plan.left_out.length
            )}
          </summary>
          <ul>
            {plan.left_out.map(({ path, why }) => (
              <li key={path}>
                <code>{path}</code>: {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** Whether a problem says itself where it is: a picture is called by its title. */
function isNamed(text: string, where: string): boolean {
  return text.includes(where) || where.startsWith('annotations/');
}

export function Problems(props: {
  readonly problems: ReadonlyArray<SendProblem>;
}): React.JSX.Element | null {
  if (props.problems.length === 0) {
    return null;
  }
  return (
    <ul className="labkit-ErrorNote labkit-Sending-problems" role="alert">
      {props.problems.map(({ hint, text, where }, k) => (
        <li key={k}>
          <strong>{isNamed(text, where) ? text : `${where}: ${text}`}</strong>{' '}
          {hint}
        </li>
      ))}
    </ul>
  );
}

function Warnings({
  entry,
  now,
  plan,
  trans
}: IPlanProps): React.JSX.Element | null {
  const words: string[] = [];
  if (entry.due !== null && Date.parse(entry.due) < now) {
    words.push(
      trans.__('It is past the due time. %1', lateWords(entry, trans))
    );
  }
  if (entry.attempts !== null) {
    const left = entry.attempts - entry.attempts_used;
    words.push(
      left === 1
        ? trans.__('This is your last attempt.')
        : trans.__('You have %1 attempts left.', left)
    );
  }
  if (plan.newer_release) {
    words.push(
      trans.__('There is a newer release that you have not fetched yet.')
    );
  }
  if (entry.group.length > 1) {
    words.push(
      trans.__('It is handed in for all of: %1.', entry.group.join(', '))
    );
  }
  return words.length === 0 ? null : <p>{words.join(' ')}</p>;
}

export interface IFile {
  readonly path: string;
  readonly size: number;
  readonly cells: number | null;
  readonly objects: number | null;
}

export function FileTable(props: {
  readonly files: ReadonlyArray<IFile>;
  readonly caption: string;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { files, trans } = props;
  const hasPictures = files.some(({ objects }) => objects !== null);
  return (
    <table>
      <caption>{props.caption}</caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('File')}</th>
          <th scope="col">{trans.__('Cells')}</th>
          {hasPictures && <th scope="col">{trans.__('Objects')}</th>}
          <th scope="col">{trans.__('Size')}</th>
        </tr>
      </thead>
      <tbody>
        {files.map(({ cells, objects, path, size }) => (
          <tr key={path}>
            <td>{path}</td>
            <td>{cells ?? ''}</td>
            {hasPictures && <td>{objects ?? ''}</td>}
            <td>{fileSize(size, trans)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Show a receipt, which can be copied. */
export async function showReceipt(
  receipt: ReceiptItem,
  trans: TranslationBundle
): Promise<void> {
  const copy = Dialog.cancelButton({ label: trans.__('Copy the receipt') });
  const close = Dialog.okButton({ label: trans.__('Close') });
  const chosen = await showDialog({
    title: trans.__('Handed in'),
    body: <Receipt receipt={receipt} trans={trans} />,
    buttons: [copy, close],
    defaultButton: 1
  });
  if (chosen.button.label === copy.label) {
    await copyText(receiptText(receipt, trans));
  }
}

function Receipt(props: {
  readonly receipt: ReceiptItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { receipt, trans } = props;
  return (
    <div className="labkit-Sending labkit-Receipt">
      <dl>
        {receiptRows(receipt, trans).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div>
          <dt>SHA-256</dt>
          <dd>
            <code tabIndex={0} data-sha256={receipt.sha256}>
              {receipt.sha256}
            </code>
          </dd>
        </div>
      </dl>
      {receipt.notes.map((note, k) => (
        <p key={k}>{note}</p>
      ))}
      <FileTable
        files={receipt.files}
        caption={trans.__('What was handed in')}
        trans={trans}
      />
      <p className="labkit-Assignment-quiet">
        {receipt.kept === ''
          ? trans.__(
              'The hub has this receipt; it could not be written to your disk.'
            )
          : trans.__('The receipt is kept in %1', receipt.kept)}
      </p>
    </div>
  );
}

function receiptRows(
  receipt: ReceiptItem,
  trans: TranslationBundle
): Array<[name: string, value: string]> {
  const people =
    receipt.group.length > 0 ? receipt.group.join(', ') : receipt.person;
  const time = localTime(receipt.submitted, receipt.time_zone);
  const late = receipt.late_s > 0 ? `, ${lateness(receipt.late_s, trans)}` : '';
  return [
    [trans.__('Assignment'), receipt.assignment_name],
    [trans.__('By'), people],
    [trans.__('When'), `${time} (${receipt.time_zone})${late}`],
    [trans.__('Attempt'), String(receipt.attempt)],
    [trans.__('Cells'), String(receipt.cells)],
    ...pictureRows(receipt, trans),
    [trans.__('Receipt'), receipt.submission]
  ];
}

function pictureRows(
  { objects, pictures }: ReceiptItem,
  trans: TranslationBundle
): Array<[name: string, value: string]> {
  if (pictures === 0) {
    return [];
  }
  const counted = trans._n('%1 object', '%1 objects', objects);
  return [[trans.__('Pictures'), trans.__('%1 with %2', pictures, counted)]];
}

function receiptText(receipt: ReceiptItem, trans: TranslationBundle): string {
  const rows = receiptRows(receipt, trans).map(row => row.join(': '));
  const files = receipt.files.map(({ path, sha256 }) => `${sha256}  ${path}`);
  return [...rows, `SHA-256: ${receipt.sha256}`, ...files, ''].join('\n');
}

/** The clipboard of a page that did not come over HTTPS is reached by a field only. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
