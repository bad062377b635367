// fails: import-x/no-cycle
import { left } from './no-cycle.js';

/** The other half. */
export const right = (): number => left() - 1;
