import type { contracts } from '../contracts/index.js';
import type { Handlers } from './action.js';
import { doctorHandlers } from './doctor.js';
import { filesHandlers } from './files.js';
import { hostHandlers } from './host.js';
import { packageManagerHandlers } from './package-manager.js';
import { serviceHandlers } from './service.js';
import { sqliteHandlers } from './sqlite.js';

/** The code of every action; the compiler checks each against its contract. */
export const handlers = {
  ...doctorHandlers,
  ...filesHandlers,
  ...hostHandlers,
  ...packageManagerHandlers,
  ...serviceHandlers,
  ...sqliteHandlers,
} satisfies Handlers<typeof contracts>;
