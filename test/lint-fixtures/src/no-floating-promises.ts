// fails: @typescript-eslint/no-floating-promises
/** Starts something and does not wait for it. */
export function startAndForget(start: () => Promise<string>): void {
  start();
}
