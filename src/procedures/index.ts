import type { Json, JsonObject } from '../plan/json.js';
import type { Plan } from '../plan/types.js';
import type { Spec } from '../spec/spec-schema.js';
import { compilePackageManagerServer, discoverPackageManagerServer } from './package-manager-server/index.js';

/** One read-only call that a procedure needs before it can compile. */
export interface Discovery {
  readonly action: string;
  readonly host: string;
  readonly input: JsonObject;
}

/** Everything a procedure compiles from; `discovered` is keyed by host name. */
export interface CompileInput {
  readonly spec: Spec;
  readonly discovered: Readonly<Record<string, Json>>;
  readonly release: string;
  readonly requester: string;
  /** ISO 8601 UTC; the only time a procedure sees. */
  readonly now: string;
}

/** A plan before it is sealed with its digest. */
export type UnsealedPlan = Omit<Plan, 'digest'>;

const PROCEDURES = {
  'package-manager-server': {
    discoveries: discoverPackageManagerServer,
    compile: compilePackageManagerServer,
  },
} as const;

/** The read-only calls whose outcomes `compile` needs, one per host. */
export const discoveries = (spec: Spec): readonly Discovery[] => PROCEDURES[spec.kind].discoveries(spec);

/**
 * Turns a spec and what was discovered into a plan; pure, so the same input gives the same plan.
 *
 * @throws ApprovalsImpossible when voters without the requester are fewer than a gate's votes
 */
export function compile(input: CompileInput): UnsealedPlan {
  return PROCEDURES[input.spec.kind].compile(input);
}
