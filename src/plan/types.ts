/*
 * Glossary. A plan is phases; a phase is nodes (a step, or branches of steps side by side); a step calls one action.
 * Plans are immutable JSON: they hold names (hosts, paths, secrets), never argv, shell text or secret values.
 */
import type { Json, JsonObject } from './json.js';

/** How long an action may take; the interpreter turns the class into Temporal timeouts. */
export type TimeoutClass = 'probe' | 'short' | 'unit';

/** Who may skip a parked step. */
export type SkipRule = 'never' | 'operator' | 'voters';

/** The three orders of a rollback, carried out in this sequence, newest first in each. */
export const UNDO_ORDERS = ['isolate-target', 'restore-service', 'clean-up'] as const;
/** One of the three orders of a rollback. */
export type UndoOrder = (typeof UNDO_ORDERS)[number];

/** A typed reference, resolved by the interpreter just before the step starts. */
export type Reference =
  | { readonly $step: string; readonly $path: string }
  | { readonly $plan: 'digest' | 'facts' | 'hosts' | 'whole' }
  | { readonly $run: 'requester' | 'workflowId' };

/** A value of a step's input: JSON in which any member may be a reference instead. */
export type InputValue = Json | Reference | readonly InputValue[] | { readonly [key: string]: InputValue };
/** The input of a step before its references are resolved. */
export type StepInput = { readonly [key: string]: InputValue };

/** One call that takes a step's effect back; `input` refers to outcomes of *earlier* steps only. */
export interface UndoCall {
  readonly order: UndoOrder;
  readonly action: string;
  readonly host: string;
  readonly input: StepInput;
  readonly title: string;
  readonly timeouts: TimeoutClass;
  /** What users lose by it, shown before a rollback; absent when nothing is lost. */
  readonly loses?: string;
}

/** How a step is undone. `read-only`: nothing to undo. `irreversible`: nothing can be undone. */
export type Undo =
  | { readonly kind: 'none'; readonly because: 'read-only' | 'irreversible' | 'keeps' }
  | { readonly kind: 'calls'; readonly calls: readonly UndoCall[] };

/** A condition on the outcome of an earlier step; when it does not hold the step is `not-needed`. */
export interface When {
  readonly step: string;
  readonly field: string;
  readonly equals: Json;
}

/** One call of one action on one host. */
export interface Step {
  readonly kind: 'step';
  readonly id: string;
  readonly title: string;
  /** Versioned action name, `capability.verb@version`: also the Activity's name. */
  readonly action: string;
  /** A host name from the plan's `hosts`. */
  readonly host: string;
  readonly input: StepInput;
  readonly timeouts: TimeoutClass;
  readonly undo: Undo;
  readonly skip: SkipRule;
  readonly when?: When;
  /** Id of the fence step under which this step's artefact is made; checked before and after. */
  readonly fence?: string;
  /** Run again while the outcome says `again: true`, at most `max` times. */
  readonly repeat?: { readonly max: number };
  /** Skipping a verification marks the run UNVERIFIED for ever. */
  readonly verification?: boolean;
  /** First step that replaces the target's data: from here a rollback needs the gate's voters. */
  readonly replacesTarget?: boolean;
  /** Going live: a rollback after it loses what users did since. */
  readonly goesLive?: boolean;
  /** From this step's start the source is down (`true`) or no longer counts as downtime (`false`). */
  readonly downtime?: 'starts' | 'ends';
  /** Ids of docs/requirements.tsv that this step carries out. */
  readonly requirements: readonly string[];
}

/** Branches that run side by side; each branch is a sequence of steps. */
export interface Parallel {
  readonly kind: 'parallel';
  readonly id: string;
  readonly branches: readonly (readonly Step[])[];
}

/** What a phase is made of. */
export type Node = Step | Parallel;

/** What a gate asks people before it opens. */
export interface Question {
  readonly id: string;
  readonly text: string;
  /** `text`: any non-empty answer. `yes` / `no`: exactly this answer, anything else means: reject. */
  readonly expect: 'text' | 'yes' | 'no';
  readonly requirements: readonly string[];
}

/** A phase with a gate may not start before people vote for it. */
export interface Gate {
  /** `begin`, `stop-source`, `replace-target-data`, `hand-over`. */
  readonly id: string;
  readonly title: string;
  /** What a voter must know: one sentence per line, shown at the gate. */
  readonly explains: readonly string[];
  readonly questions: readonly Question[];
  readonly voters: readonly string[];
  /** How many different voters must approve; the requester never counts. */
  readonly votes: number;
  readonly proof: 'claimed' | 'signed';
  /** Absolute UTC instants, ISO 8601. Windows are admitted by later releases. */
  readonly windows?: readonly { readonly opensAt: string; readonly closesAt: string }[];
  /** Steps whose outcomes are the evidence of the vote. */
  readonly evidence: readonly string[];
  /** Repeated while the gate waits, to keep a copy warm. */
  readonly meanwhile?: { readonly step: Step; readonly everySeconds: number };
}

/** A part of a migration that starts as one. */
export interface Phase {
  readonly id: string;
  readonly title: string;
  readonly gate?: Gate;
  readonly nodes: readonly Node[];
}

/** Identity of a host at planning time; admission compares it. */
export interface PlannedHost {
  readonly role: 'source' | 'target';
  readonly hostKey: string;
  readonly machineId: string;
}

/** Severity, found, wanted and remedy of one preflight check. */
export interface PreflightCheck {
  readonly id: string;
  readonly severity: 'ok' | 'blocker' | 'warning';
  readonly title: string;
  readonly found: string;
  readonly wanted: string;
  readonly remedy: string;
  readonly requirements: readonly string[];
}

/** What was estimated when the plan was made; outside the digest. */
export interface Forecast {
  readonly bytes: number;
  readonly files: number;
  readonly bytesPerSecond: number;
  readonly finalCopyBytes: number;
  readonly downtimeMs: number;
  readonly madeAt: string;
}

/** The compiled, immutable list of what will be done. */
export interface Plan {
  readonly schema: 1;
  readonly release: string;
  /** Kind of migration, for example `package-manager-server`. */
  readonly kind: string;
  readonly source: string;
  readonly target: string;
  readonly hosts: { readonly [name: string]: PlannedHost };
  /** Pinned facts (identity, versions, configuration) per host name; drift against them stops the run. */
  readonly facts: { readonly [host: string]: JsonObject };
  readonly preflight: readonly PreflightCheck[];
  readonly phases: readonly Phase[];
  /** What is left out of copy and comparison, and why. */
  readonly exclusions: readonly { readonly path: string; readonly reason: string }[];
  readonly forecast: Forecast;
  /** SHA-256, hex, over the canonical JSON of everything but `forecast` and `digest`. */
  readonly digest: string;
}

/** Largest plan that travels in a Workflow's input: 256 KiB of JSON. @see DESIGN, "The life of a migration" */
export const PLAN_LIMIT_BYTES = 256 * 1024;

/** All steps of a phase in plan order, without the gate's `meanwhile` step. */
export function phaseSteps(phase: Phase): readonly Step[] {
  return phase.nodes.flatMap((node) => (node.kind === 'step' ? [node] : node.branches.flat()));
}

/** All steps of a plan in plan order; each gate's `meanwhile` step stands before its phase's steps. */
export function planSteps(plan: Pick<Plan, 'phases'>): readonly Step[] {
  return plan.phases.flatMap((phase) => [
    ...(phase.gate?.meanwhile === undefined ? [] : [phase.gate.meanwhile.step]),
    ...phaseSteps(phase),
  ]);
}
