/** One file on its way, as a line below its project. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IUploadRow } from './uploads';

export interface IUploadRowProps {
  readonly row: IUploadRow;
  readonly imageUrl: string | null;
  readonly trans: TranslationBundle;
  readonly onAnswer: (row: IUploadRow) => void;
  readonly onRemove: (row: IUploadRow) => void;
}

export function UploadRow(props: IUploadRowProps): React.JSX.Element {
  const { row, trans } = props;
  const told = wordsOf(row, trans);
  const ended = row.item?.state === 'done' || told.isError;
  const label = ended
    ? trans.__('Take %1 out of this list', row.name)
    : trans.__('Cancel %1', row.name);
  return (
    <li
      className={'labkit-Upload' + (told.isError ? ' labkit-mod-error' : '')}
      data-upload-state={row.item?.state ?? row.sending?.kind}
      data-upload-name={row.name}
    >
      {props.imageUrl !== null && (
        <img className="labkit-Upload-picture" src={props.imageUrl} alt="" />
      )}
      <div className="labkit-Upload-words">
        <p className="labkit-Upload-name" title={row.name}>
          {row.name}
        </p>
        {told.share !== null && (
          <div
            className="labkit-Upload-bar"
            role="progressbar"
            aria-label={row.name}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * told.share)}
            aria-valuetext={told.text}
          >
            <div style={{ width: `${100 * told.share}%` }} />
          </div>
        )}
        <p
          className="labkit-Upload-text"
          role={told.isError ? 'alert' : undefined}
        >
          {told.text} {told.hint}
        </p>
        {row.item?.state === 'asks' && (
          <button
            type="button"
            className="labkit-Button labkit-mod-primary"
            onClick={() => props.onAnswer(row)}
          >
            {trans.__('Answer…')}
          </button>
        )}
      </div>
      <button
        type="button"
        className="labkit-IconButton"
        title={label}
        aria-label={label}
        onClick={() => props.onRemove(row)}
      >
        <closeIcon.react tag="span" />
      </button>
    </li>
  );
}

interface ITold {
  readonly text: string;
  readonly hint: string;
  /** How full the bar is, 0 to 1; null for no bar. */
  readonly share: number | null;
  readonly isError: boolean;
}

function wordsOf(row: IUploadRow, trans: TranslationBundle): ITold {
  const plain = (text: string, share: number | null = null): ITold => ({
    text,
    hint: '',
    share,
    isError: false
  });
  const sent = row.bytes > 0 ? row.received / row.bytes : 0;
  const { sending, item } = row;
  if (sending?.kind === 'refused') {
    return {
      text: sending.message,
      hint: sending.hint,
      share: null,
      isError: true
    };
  }
  if (item === null || item.state === 'uploading') {
    const bytes = trans.__('%1 of %2', size(row.received), size(row.bytes));
    switch (sending?.kind) {
      case 'queued':
        return plain(trans.__('Waits to be sent'), 0);
      case 'sending':
        return plain(
          sending.bytesPerS === null
            ? bytes
            : trans.__('%1, %2/s', bytes, size(sending.bytesPerS)),
          sent
        );
      case 'reconnecting':
        return plain(
          trans.__('%1; the connection is lost, trying again', bytes),
          sent
        );
      default:
        return plain(
          trans.__(
            'Stopped at %1 %. Drop the file again to go on.',
            Math.floor(100 * sent)
          ),
          sent
        );
    }
  }
  switch (item.state) {
    case 'checking':
      return plain(trans.__('Looking at the file'));
    case 'asks':
      return plain(item.questions[0]?.text ?? '');
    case 'waiting':
      return plain(trans.__('Waits for its turn'), 0);
    case 'cancelling':
    case 'cancelled':
      return plain(trans.__('Cancelling'));
    case 'importing': {
      const share = item.total > 0 ? item.done / item.total : 0;
      const tiles = trans.__('%1 of %2 tiles', item.done, item.total);
      return plain(
        item.remaining_s === null || item.done >= item.total
          ? tiles
          : trans.__('%1, %2 to go', tiles, duration(item.remaining_s)),
        share
      );
    }
    case 'done':
      return plain(
        item.images.length === 1
          ? trans.__('Imported')
          : trans.__('Imported as %1 images', item.images.length)
      );
    case 'failed':
      return {
        text: item.message,
        hint: item.hint,
        share: null,
        isError: true
      };
  }
}

/** A number of bytes for people. */
function size(bytes: number): string {
  const units: [string, number][] = [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3]
  ];
  for (const [unit, factor] of units) {
    if (bytes >= factor) {
      return `${(bytes / factor).toFixed(1)} ${unit}`;
    }
  }
  return `${Math.round(bytes)} B`;
}

function duration(seconds: number): string {
  if (seconds < 90) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  return seconds < 5400
    ? `${Math.round(seconds / 60)} min`
    : `${(seconds / 3600).toFixed(1)} h`;
}
