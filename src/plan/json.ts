/** Any value that survives JSON unchanged; everything in a plan, a state or an outcome is one. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object: the shape of every action's input and outcome. */
export type JsonObject = { readonly [key: string]: Json };

/**
 * Canonical JSON: keys sorted by UTF-16 code unit, no white space, `undefined` members left out.
 *
 * Two values that mean the same give the same text, so that a SHA-256 over it identifies a plan or an outcome.
 * @see RFC 8785, JSON Canonicalization Scheme (numbers: our plans hold only what `JSON.stringify` prints exactly)
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}
