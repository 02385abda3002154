/** The review beside the picture: state, comments, who is at work, time. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ErrorNote } from '../quality/notes';
import { clock, duration, stateVerb, stateWord } from '../quality/words';
import type { CommentItem, ReviewItem } from '../wire';
import type { Easel } from './easel';
import type { Place } from './protocol';
import type { ReviewModel } from './reviewmodel';
import { type PinSetter, placeOf } from './reviewpins';
import type { Stage } from './stage';

export interface IReviewProps {
  readonly model: ReviewModel;
  readonly easel: Easel;
  readonly stage: Stage;
  readonly pins: PinSetter;
  readonly isReadOnly: boolean;
  readonly trans: TranslationBundle;
}

export function ReviewSection(props: IReviewProps): React.JSX.Element {
  const { model, trans } = props;
  return (
    <UseSignal signal={model.changed}>
      {() => (
        <details
          open
          aria-label={trans.__('Review')}
          onKeyDown={event => event.stopPropagation()} // letters choose tools elsewhere
        >
          <summary>
            {trans.__('Review')}
            {model.review !== null && (
              <span className="labkit-State" data-state={model.review.state}>
                {stateWord(model.review.state, trans)}
              </span>
            )}
          </summary>
          {model.review !== null && <Body {...props} review={model.review} />}
          <ErrorNote words={model.trouble} />
        </details>
      )}
    </UseSignal>
  );
}

type IBodyProps = IReviewProps & { readonly review: ReviewItem };

function Body(props: IBodyProps): React.JSX.Element {
  const { isReadOnly, model, review, trans } = props;
  const seconds = review.time_spent.reduce((sum, one) => sum + one.seconds, 0);
  return (
    <>
      <p>
        {review.author === review.me
          ? trans.__('Your annotations, %1', duration(seconds, trans))
          : trans.__(
              "%1's annotations, %2",
              review.author,
              duration(seconds, trans)
            )}
      </p>
      {isReadOnly && (
        <p className="labkit-Review-note">
          {trans.__('You can look and comment here, not draw.')}
        </p>
      )}
      <OtherClaim review={review} trans={trans} />
      <div
        className="labkit-Review-states"
        role="group"
        aria-label={trans.__('State')}
      >
        {review.next.map(state => (
          <button
            key={state}
            type="button"
            className="labkit-Button"
            onClick={() => void model.changeState(state)}
          >
            {stateVerb(state, trans)}
          </button>
        ))}
      </div>
      <Comments {...props} />
      <NewCommentForm {...props} />
    </>
  );
}

/** Somebody else is at work on the image: said, not forbidden. */
function OtherClaim(props: {
  readonly review: ReviewItem;
  readonly trans: TranslationBundle;
}): React.JSX.Element | null {
  const { review, trans } = props;
  const { claim, me } = review;
  if (claim === null || claim.author === me) {
    return null;
  }
  return (
    <p className="labkit-Review-note">
      {trans.__(
        '%1 is at work on this image until %2.',
        claim.author,
        clock(claim.until)
      )}
    </p>
  );
}

function Comments(props: IBodyProps): React.JSX.Element {
  const { easel, model, stage, trans } = props;
  const show = (comment: CommentItem): void => {
    model.chosen = comment.id;
    const item = easel.session.list.get(comment.object_id ?? '');
    const place = placeOf(comment, easel.session.list);
    if (item !== undefined) {
      easel.choose([item.head.id]);
    } else if (place !== null) {
      const [y, x] = place;
      stage.show(stage.view.showing({ y0: y, x0: x, y1: y, x1: x }));
    }
    stage.repaintOverlay();
  };
  return (
    <ul className="labkit-Review-comments" aria-label={trans.__('Comments')}>
      {model.numbered.map(([number, comment]) => (
        <li
          key={comment.id}
          data-resolved={comment.resolved_by !== null}
          aria-current={model.chosen === comment.id}
        >
          <button
            type="button"
            className="labkit-Link"
            aria-label={trans.__('Show comment %1', number)}
            onClick={() => show(comment)}
          >
            {number}
          </button>
          <span>
            <span className="labkit-Review-text">{comment.text}</span>
            <small>
              {[comment.author, whereOf(comment, easel, trans)]
                .filter(word => word !== '')
                .join(', ')}
            </small>
            {comment.resolved_by === null ? (
              <button
                type="button"
                className="labkit-Button"
                aria-label={trans.__('Resolve comment %1', number)}
                onClick={() => void model.resolve(comment.id)}
              >
                {trans.__('Resolve')}
              </button>
            ) : (
              <small>{trans.__('resolved by %1', comment.resolved_by)}</small>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

function whereOf(
  comment: CommentItem,
  easel: Easel,
  trans: TranslationBundle
): string {
  if (comment.object_id === null) {
    return comment.y === null ? trans.__('on all of it') : '';
  }
  const isThere = easel.session.list.get(comment.object_id) !== undefined;
  return isThere
    ? trans.__('on an object')
    : trans.__('on an object that went');
}

type Anchor = 'all' | 'object' | 'middle' | 'pin';

/** Text, and what it is on. */
function NewCommentForm(props: IBodyProps): React.JSX.Element {
  const { easel, model, pins, stage, trans } = props;
  const [text, setText] = React.useState('');
  const [anchor, setAnchor] = React.useState<Anchor>('all');
  const [isPinning, setPinning] = React.useState(false);
  const add = async (where: object): Promise<void> => {
    if (await model.addComment({ text: text.trim(), ...where })) {
      setText('');
    }
    stage.repaintOverlay();
  };
  const addAt = ([y, x]: Place): Promise<void> => add({ y, x });
  const submit = (): void => {
    if (anchor === 'pin') {
      setPinning(true);
      pins.wait(place => {
        setPinning(false);
        void addAt(place);
      });
    } else if (anchor === 'middle') {
      void addAt(stage.view.centre);
    } else {
      const id = easel.session.selection.at(-1);
      void add(
        anchor === 'object' && id !== undefined ? { object_id: id } : {}
      );
    }
  };
  const giveUp = (): void => {
    pins.stop();
    setPinning(false);
  };
  return (
    <UseSignal signal={easel.session.told}>
      {() => {
        const hasObject = easel.session.selection.length > 0;
        const isReady =
          text.trim() !== '' && (anchor !== 'object' || hasObject);
        return (
          <form
            className="labkit-Review-form"
            onSubmit={event => {
              event.preventDefault();
              submit();
            }}
          >
            <textarea
              rows={text === '' ? 1 : 2}
              maxLength={4000}
              aria-label={trans.__('New comment')}
              placeholder={trans.__('New comment')}
              value={text}
              onChange={event => setText(event.currentTarget.value)}
            />
            {text !== '' && (
              <AnchorChoice
                anchor={anchor}
                onChange={setAnchor}
                hasObject={hasObject}
                trans={trans}
              />
            )}
            {isPinning ? (
              <>
                <span role="status">{trans.__('Click into the picture.')}</span>
                <button
                  type="button"
                  className="labkit-Button"
                  onClick={giveUp}
                >
                  {trans.__('Cancel')}
                </button>
              </>
            ) : (
              text !== '' && (
                <button
                  type="submit"
                  className="labkit-Button"
                  disabled={!isReady}
                >
                  {anchor === 'pin' ? trans.__('Pin') : trans.__('Comment')}
                </button>
              )
            )}
          </form>
        );
      }}
    </UseSignal>
  );
}

function AnchorChoice(props: {
  readonly anchor: Anchor;
  readonly hasObject: boolean;
  readonly onChange: (anchor: Anchor) => void;
  readonly trans: TranslationBundle;
}): React.JSX.Element {
  const { anchor, hasObject, onChange, trans } = props;
  const name = React.useId();
  const choices: ReadonlyArray<readonly [Anchor, string]> = [
    ['all', trans.__('on all of it')],
    ['object', trans.__('on the chosen object')],
    ['pin', trans.__('at a place that I click')],
    ['middle', trans.__('at the middle of the view')]
  ];
  return (
    <fieldset aria-label={trans.__('What the comment is on')}>
      {choices.map(([value, words]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            checked={anchor === value}
            disabled={value === 'object' && !hasObject}
            onChange={() => onChange(value)}
          />
          {words}
        </label>
      ))}
    </fieldset>
  );
}
