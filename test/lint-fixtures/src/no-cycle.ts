// fails: import-x/no-cycle
import { right } from './no-cycle-other.js';

/** Half of a circle. */
export const left = (): number => right() + 1;
