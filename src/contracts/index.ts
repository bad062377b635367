import type { Contract } from './contract.js';

/** Every action that a plan may name, by its versioned name. An action's input never changes its meaning: a new meaning is a new version. */
export const contracts = {} as const satisfies Record<string, Contract>;

/** A versioned action name that this release knows. */
export type ActionName = keyof typeof contracts;
