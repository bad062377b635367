// fails: @typescript-eslint/no-confusing-void-expression
/** Takes nothing for a value. */
export function confusing(act: () => void): void {
  const value = act();
  return value;
}
