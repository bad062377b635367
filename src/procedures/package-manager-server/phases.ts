import type { PackageManagerDiscovery } from '../../contracts/package-manager.js';
import { step } from '../../plan/builder.js';
import type { Forecast, Phase, PreflightCheck } from '../../plan/types.js';
import type { Spec } from '../../spec/spec-schema.js';
import { copyPhases } from './copy-phases.js';
import { dataExclusions } from './exclusions.js';
import type { GateInput } from './gates.js';
import { replacePhases } from './replace-phases.js';
import type { TreePair } from './trees.js';

/** One end of the migration with what discovery found there. */
export interface End {
  readonly name: string;
  readonly found: PackageManagerDiscovery;
}

/** What the phases are compiled from. */
export interface PhasesInput {
  readonly spec: Spec;
  readonly source: End;
  readonly target: End;
  readonly trees: readonly TreePair[];
  readonly preflight: readonly PreflightCheck[];
  readonly forecast: Forecast;
}

/** What every phase works with. */
export interface Parts extends PhasesInput {
  readonly gates: GateInput;
}

/** Admission, the chain of a server move and its four gates. @see docs/procedures.md */
export function compilePhases(input: PhasesInput): readonly Phase[] {
  const parts: Parts = { ...input, gates: gateInput(input) };
  const { phases, proven } = copyPhases(parts);
  return [admission(input), ...phases, ...replacePhases(parts, proven)];
}

/** Patterns of a tree that are neither copied nor compared, anchored at its root. */
export const excludesOf = (parts: PhasesInput, tree: TreePair): readonly string[] =>
  tree.id === 'data' ? dataExclusions(parts.source.found.facts).map(({ pattern }) => pattern) : [];

/**
 * The step that reads the pinned facts again, first of each phase after a gate; `except` are facts that the run itself
 * has changed by then.
 */
export const recheck = (parts: PhasesInput, gate: string, except: readonly string[] = []) =>
  step({
    id: `recheck-${gate}`,
    title: 'read the pinned facts of both hosts again',
    action: 'facts.recheck@1',
    host: parts.source.name,
    input: {
      kind: parts.spec.kind,
      facts: { $plan: 'facts' },
      hosts: { $plan: 'hosts' },
      except: [...except],
    },
    requirements: ['TEAM2-PM-33'],
  });

function admission(input: PhasesInput): Phase {
  return {
    id: 'admission',
    title: 'Admission (read-only)',
    nodes: [
      step({
        id: 'admit',
        title: 'check digest, schema, inventory, identity of the hosts and foreign claims',
        action: 'plan.admit@1',
        host: input.target.name,
        input: { plan: { $plan: 'whole' }, digest: { $plan: 'digest' } },
      }),
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
      dataDir: input.target.found.facts.dataDir,
      bytes: held.reduce((total, tree) => total + tree.bytes, 0),
      inodes: held.reduce((total, tree) => total + tree.inodes, 0),
    },
  };
}
