// Breaks nothing.
import { assertNever } from './assert-never.js';

/** One of two answers. */
export type Answer = 'yes' | 'no';

/** The opposite of an answer. */
export function opposite(answer: Answer): Answer {
  switch (answer) {
    case 'yes':
      return 'no';
    case 'no':
      return 'yes';
    default:
      return assertNever(answer);
  }
}
