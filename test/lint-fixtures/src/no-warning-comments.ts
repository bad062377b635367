// fails: no-warning-comments
// TODO: later
/** Unfinished. */
export const unfinished = 1;
