/** A command as a program and its arguments; never a line of shell text. */
export type Argv = readonly [program: string, ...args: string[]];

const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word for a POSIX shell: plain words stay as they are, everything else is single-quoted. */
export function quoteWord(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line for a POSIX shell that runs exactly this argv. The only quoter of the house. */
export function toShellLine(argv: Argv): string {
  return argv.map(quoteWord).join(' ');
}
