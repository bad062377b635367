// fails: @typescript-eslint/switch-exhaustiveness-check
/** Forgets an answer. */
export function forgetful(answer: 'yes' | 'no'): string {
  switch (answer) {
    case 'yes':
      return 'said yes';
  }
  return 'said something';
}
