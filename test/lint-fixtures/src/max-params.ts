// fails: max-params
/** Four positional parameters. */
export const many = (a: string, b: string, c: string, d: string): string => [a, b, c, d].join('');
