import type { PackageManagerDiscovery } from '../../contracts/package-manager.js';
import { step } from '../../plan/builder.js';
import type { Forecast, PreflightCheck } from '../../plan/types.js';
import type { Spec } from '../../spec/spec-schema.js';
import { dataExclusions } from './exclusions.js';
import type { GateInput } from './gates.js';
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

/** Id of the step that makes a tree's pull key. */
export const keyStep = (tree: TreePair): string => `pull-key-${tree.id}`;
/** Id of the step that authorises a tree's pull key on the source. */
export const authorizeStep = (tree: TreePair): string => `authorize-${tree.id}`;
