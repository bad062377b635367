// fails: @typescript-eslint/no-unused-vars
/** Takes two words and forgets one. */
export function forgetful(word: string, other: string): string {
  return word;
}
