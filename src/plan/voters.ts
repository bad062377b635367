import type { Gate } from './types.js';

/** Whether two names mean the same person: case and outer spaces do not matter, so that nobody votes twice. */
export function sameActor(left: string, right: string): boolean {
  return left.trim().toLowerCase() === right.trim().toLowerCase();
}

/** Voters of a gate who count in a run: all of the plan's, without the requester. */
export function countingVoters(gate: Pick<Gate, 'voters'>, requester: string): readonly string[] {
  return gate.voters.filter((voter) => !sameActor(voter, requester));
}

/** A line for each gate that could never open, because without the requester too few voters are left for its votes. */
export function impossibleGates(
  gates: readonly Pick<Gate, 'id' | 'voters' | 'votes'>[],
  requester: string,
): readonly string[] {
  return gates.flatMap((gate) => {
    const left = countingVoters(gate, requester);
    return left.length < gate.votes
      ? [`gate ${gate.id}: ${gate.votes} votes of ${left.length} voters (${left.join(', ') || 'nobody'})`]
      : [];
  });
}
