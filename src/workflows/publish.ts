import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { MEMO_KEY, memoOf, SEARCH_ATTRIBUTES, searchAttributesOf } from '../run/publication.js';
import { now, type RunHandle } from './run-handle.js';

/**
 * Shows the state in the Temporal UI and lists.
 *
 * Current details cost nothing and follow every change. Search attributes and memo cost history events, so they are
 * written only when the run's state or phase has become another; the first call of each run writes them.
 */
export class Publisher {
  #last: string | undefined;

  /** Publishes the present state. */
  publish(run: RunHandle): void {
    setCurrentDetails(run.details());
    const values = searchAttributesOf(run.plan, run.state);
    const text = `${values.RehostState} ${values.RehostPhase}`;
    if (text === this.#last) return;
    this.#last = text;
    upsertSearchAttributes(
      SEARCH_ATTRIBUTES.map((name) => ({
        key: defineSearchAttributeKey(name, 'KEYWORD'),
        value: values[name],
      })),
    );
    upsertMemo({ [MEMO_KEY]: memoOf(run.plan, run.state, now()) });
  }
}
