// fails: @typescript-eslint/restrict-template-expressions
/** Prints an object as text that says nothing. */
export const printed = (value: string[]): string => `value ${value}`;
