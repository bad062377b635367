import { failure, type RehostFailure } from './failures.js';
import { impossibleGates } from './plan/voters.js';
import type { Gate } from './plan/types.js';

/** Why a run with these gates could get stuck for ever when this person asks for it. Undefined when it could not. */
export function approvalsFailure(
  gates: readonly Pick<Gate, 'id' | 'voters' | 'votes'>[],
  requester: string,
): RehostFailure | undefined {
  const impossible = impossibleGates(gates, requester);
  if (impossible.length === 0) return undefined;
  return failure('ApprovalsImpossible', {
    message: `${impossible.length} ${impossible.length === 1 ? 'gate' : 'gates'} could never open: the requester ${requester} does not count as a voter`,
    detail: impossible.join('\n'),
    hint: 'Name more voters under "approvals" in the spec, or let somebody who is not a voter request the run (--actor NAME).',
  });
}
