/* Small plans for tests of the reducer and of the interpreter; their actions are answered by `fakes.ts`. */
import type { Gate, Node, Phase, Plan, Step, UndoCall, UndoOrder } from '../../src/plan/types.js';

/** Digest of every test plan. */
export const DIGEST = 'd1'.repeat(32);

/** A read-only step unless told otherwise. */
export function step(id: string, more: Partial<Step> = {}): Step {
  return {
    kind: 'step',
    id,
    title: `Title of ${id}`,
    action: 'fake.probe@1',
    host: 'source-1',
    input: {},
    timeouts: 'probe',
    undo: { kind: 'none', because: 'read-only' },
    skip: 'never',
    requirements: [],
    ...more,
  };
}

/** One undo call of a step. */
export function undoCall(
  step: string,
  order: UndoOrder = 'clean-up',
  more: Partial<UndoCall> = {},
): UndoCall {
  return {
    order,
    action: 'fake.change@1',
    host: 'source-1',
    input: { undoes: step },
    title: `Undo of ${step}`,
    timeouts: 'short',
    ...more,
  };
}

/** A step that changes something and is undone in one order. */
export function change(id: string, order: UndoOrder = 'clean-up', more: Partial<Step> = {}): Step {
  const undo = { kind: 'calls', calls: [undoCall(id, order)] } as const;
  return step(id, { action: 'fake.change@1', timeouts: 'short', undo, ...more });
}

/** A long step that heartbeats until it is told to end. */
export function unit(id: string, more: Partial<Step> = {}): Step {
  return change(id, 'clean-up', { action: 'fake.unit@1', timeouts: 'unit', ...more });
}

/** A gate of three voters, two votes, no question. */
export function gate(id: string, more: Partial<Gate> = {}): Gate {
  return {
    id,
    title: `Title of ${id}`,
    explains: [`What ${id} means.`],
    questions: [],
    voters: ['ann', 'bob', 'cleo'],
    votes: 2,
    proof: 'claimed',
    evidence: [],
    ...more,
  };
}

/** A phase. */
export function phase(id: string, nodes: readonly Node[], itsGate?: Gate): Phase {
  return { id, title: `Title of ${id}`, nodes, ...(itsGate === undefined ? {} : { gate: itsGate }) };
}

/** A plan of these phases, from `source-1` to `target-1`. */
export function plan(...phases: readonly Phase[]): Plan {
  return {
    schema: 1,
    release: '0.0.0-test',
    kind: 'package-manager-server',
    source: 'source-1',
    target: 'target-1',
    hosts: {},
    facts: { 'source-1': { product: '2025.04' } },
    preflight: [],
    phases,
    exclusions: [],
    forecast: {
      bytes: 0,
      files: 0,
      bytesPerSecond: 1,
      finalCopyBytes: 0,
      downtimeMs: 0,
      madeAt: '2026-01-01T00:00:00.000Z',
    },
    digest: DIGEST,
  };
}

/** Requester of every test run. */
export const REQUESTER = 'rita';
