// fails: no-console
/** Prints past stdout's rules. */
export function chatty(): void {
  console.log('here');
}
