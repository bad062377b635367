/** Closes a switch over a union: the compiler refuses a missing case, and a value from elsewhere is named. */
export function assertNever(value: never, what: string): never {
  throw new TypeError(`unknown ${what}: ${JSON.stringify(value)}`);
}
