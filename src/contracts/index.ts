import type { Contract } from './contract.js';
import { doctorContracts } from './doctor.js';
import { filesContracts } from './files.js';
import { hostContracts } from './host.js';
import { packageManagerContracts } from './package-manager.js';
import { serviceContracts } from './service.js';
import { sqliteContracts } from './sqlite.js';

/** Every action that a plan may name, by its versioned name. An action's input never changes its meaning: a new meaning is a new version. */
export const contracts = {
  ...doctorContracts,
  ...filesContracts,
  ...hostContracts,
  ...packageManagerContracts,
  ...serviceContracts,
  ...sqliteContracts,
} as const satisfies Record<string, Contract>;

/** A versioned action name that this release knows. */
export type ActionName = keyof typeof contracts;
