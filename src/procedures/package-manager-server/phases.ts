import { step } from '../../plan/builder.js';
import type { Phase } from '../../plan/types.js';
import { copyPhases } from './copy-phases.js';
import type { GateInput } from './gates.js';
import { recheck, type Parts, type PhasesInput } from './parts.js';
import { replacePhases } from './replace-phases.js';

/** Admission, the chain of a server move and its four gates. @see docs/procedures.md */
export function compilePhases(input: PhasesInput): readonly Phase[] {
  const parts: Parts = { ...input, gates: gateInput(input) };
  const { phases, proven } = copyPhases(parts);
  return [admission(input), ...phases, ...replacePhases(parts, proven)];
}

function admission(input: PhasesInput): Phase {
  return {
    id: 'admission',
    title: 'Admission (read-only)',
    nodes: [
      step({
        id: 'admit',
        title: 'check digest, schema, voters, inventory, identity of the hosts and foreign claims',
        action: 'plan.admit@1',
        host: input.target.name,
        input: { plan: { $plan: 'whole' }, digest: { $plan: 'digest' }, requester: { $run: 'requester' } },
      }),
      recheck(input, 'admission'),
    ],
  };
}

function gateInput(input: PhasesInput): GateInput {
  const held = input.target.found.forecast.trees;
  return {
    spec: input.spec,
    preflight: input.preflight,
    forecast: input.forecast,
    dataDir: input.source.found.facts.dataDir,
    target: {
      paths: held.map(({ path }) => path),
      bytes: held.reduce((total, tree) => total + tree.bytes, 0),
      inodes: held.reduce((total, tree) => total + tree.inodes, 0),
    },
  };
}
