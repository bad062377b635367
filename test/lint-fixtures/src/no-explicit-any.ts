// fails: @typescript-eslint/no-explicit-any
/** Anything at all. */
export type Anything = { readonly value: any };
