import type { z } from 'zod';
import { contracts, type ActionName } from '../contracts/index.js';
import type { Contract } from '../contracts/contract.js';
import type {
  Gate,
  Node,
  Parallel,
  Phase,
  Reference,
  SkipRule,
  Step,
  StepInput,
  Undo,
  UndoOrder,
  When,
} from './types.js';

/** A value in which any member may be a reference that the interpreter resolves. */
export type WithReferences<T> =
  | T
  | Reference
  | (T extends readonly (infer Item)[]
      ? readonly WithReferences<Item>[]
      : T extends object
        ? { [Key in keyof T]: WithReferences<T[Key]> }
        : never);

type InputOf<Name extends ActionName> = z.input<(typeof contracts)[Name]['input']>;
type OutcomeOf<Name extends ActionName> = z.output<(typeof contracts)[Name]['outcome']>;

/** A step whose action is known to the compiler, so that references to its outcome are checked. */
export type TypedStep<Name extends ActionName> = Step & { readonly action: Name };

/** How a step is undone: by its own action's undo lines in one order, or not at all and why. */
export type UndoChoice =
  'irreversible' | 'keeps' | { readonly order: UndoOrder; readonly title: string; readonly loses?: string };

/** What a procedure says of a step; everything else is copied from the contract. */
export interface StepDefinition<Name extends ActionName> {
  readonly id: string;
  readonly title: string;
  readonly action: Name;
  readonly host: string;
  readonly input: { [Key in keyof InputOf<Name>]: WithReferences<InputOf<Name>[Key]> };
  /** Required for an action that changes something, refused for one that does not. */
  readonly undo?: UndoChoice;
  readonly skip?: SkipRule;
  readonly when?: When;
  readonly fence?: string;
  readonly repeat?: { readonly max: number };
  readonly verification?: boolean;
  readonly replacesTarget?: boolean;
  readonly goesLive?: boolean;
  readonly downtime?: 'starts' | 'ends';
  readonly requirements?: readonly string[];
}

/** Builds a step whose input is checked against its contract; timeouts and read-only come from the contract. */
export function step<Name extends ActionName>(definition: StepDefinition<Name>): TypedStep<Name> {
  const { undo, skip, requirements, input, ...rest } = definition;
  const contract: Contract = contracts[definition.action];
  return {
    kind: 'step',
    ...rest,
    input: input as StepInput,
    timeouts: contract.timeouts,
    undo: buildUndo(definition, contract, undo),
    skip: skip ?? 'never',
    requirements: requirements ?? [],
  };
}

function buildUndo<Name extends ActionName>(
  definition: StepDefinition<Name>,
  contract: Contract,
  choice: UndoChoice | undefined,
): Undo {
  if (choice === undefined) {
    if (!contract.readOnly)
      throw new TypeError(`step ${definition.id}: ${definition.action} changes something and needs an undo`);
    return { kind: 'none', because: 'read-only' };
  }
  if (typeof choice === 'string') return { kind: 'none', because: choice };
  if (contract.undo === undefined)
    throw new TypeError(`step ${definition.id}: ${definition.action} has no undo lines`);
  return {
    kind: 'calls',
    calls: [
      {
        ...choice,
        action: definition.action,
        host: definition.host,
        input: definition.input as StepInput,
        timeouts: contract.timeouts,
      },
    ],
  };
}

/** A reference to a member of an earlier step's outcome, checked against that action's contract. */
export function outcome<Name extends ActionName>(
  earlier: TypedStep<Name>,
  path: Extract<keyof OutcomeOf<Name>, string>,
): Reference {
  return { $step: earlier.id, $path: path };
}

/** Branches that run side by side. */
export const parallel = (id: string, ...branches: readonly (readonly Step[])[]): Parallel => ({
  kind: 'parallel',
  id,
  branches,
});

/** A phase of nodes, behind a gate when one is given. */
export const phase = (definition: {
  id: string;
  title: string;
  gate?: Gate;
  nodes: readonly Node[];
}): Phase => definition;
