/** Fails to compile when a case was forgotten. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected ${String(value)}`);
}
