/*
 * The Workflow types: one per kind of migration, so that the Temporal UI lists them by name, and `inspect`. The Worker's
 * bundle is made of this file; it may import plan/ and run/ only.
 */
import { migrate, type Migration } from './interpreter.js';

export { inspect } from './inspect.js';

/** Posit Package Manager moves to a new server. */
export const packageManagerServer: Migration = (input) => migrate(input);
