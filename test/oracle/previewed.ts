import type { ChangingCommand } from './executed.js';

/** What `plan` printed that would change: a command, or a file written by temporary name and rename. */
export type Previewed =
  | { readonly kind: 'command'; readonly host: string; readonly argv: readonly string[] }
  | { readonly kind: 'write'; readonly host: string; readonly path: string; readonly mode: string };

/** What the record of a host says about a preview. */
export interface Explanation {
  /** Executed, changing and in no preview: the plan lied. */
  readonly unexplained: readonly ChangingCommand[];
  /** Previewed and never seen: no lie (steps may find nothing to do), but worth a look. */
  readonly unused: readonly Previewed[];
}

/** The changing commands of a host that no preview covers; empty means that the plan did not lie. */
export function unexplained(
  changing: readonly ChangingCommand[],
  previewed: readonly Previewed[],
  host: string,
): readonly ChangingCommand[] {
  return explain(changing, previewed, host).unexplained;
}

/** Matches what was executed on a host with what was previewed for it. */
export function explain(
  changing: readonly ChangingCommand[],
  previewed: readonly Previewed[],
  host: string,
): Explanation {
  const here = previewed.filter((effect) => effect.host === host);
  const used = new Set<Previewed>();
  const left = changing.filter((command) => {
    const covering = here.filter((effect) => covers(effect, command));
    for (const effect of covering) used.add(effect);
    return covering.length === 0;
  });
  return { unexplained: left, unused: here.filter((effect) => !used.has(effect)) };
}

function covers(effect: Previewed, command: ChangingCommand): boolean {
  if (effect.kind === 'write') return coversWrite(effect, command);
  if (command.by === 'write') return false;
  const [program = '', ...rest] = unwrapped(effect.argv);
  const pattern = [program.replace(/^.*\//, ''), ...rest].join(' ');
  const text = command.text.replace(/^-?(?:\S*\/)?(\S+)/, '$1');
  return matches(pattern, text, command.truncated);
}

/** An argv without the wrappers in front of it, which are explained by themselves. */
function unwrapped(argv: readonly string[]): readonly string[] {
  const line = argv.join('\0');
  const stripped = line.replace(
    /^(?:(?:\S*\/)?(?:sudo(?:\0-[a-zA-Z]+(?:\0root)?)*(?:\0--)?|env(?:\0(?:-\S*|\w+=[^\0]*))*|timeout(?:\0(?:-k|-s)\0[^\0]+|\0-[^\0]*)*\0[^\0]+|nice(?:\0-n\0[^\0]+)?|ionice(?:\0-[cn]\0?[^\0]+)*|setsid|nohup)\0)+/,
    '',
  );
  return stripped === '' ? argv : stripped.split('\0');
}

// A file of ours is written as: make a temporary file beside it, write, set the mode, sync, rename; a directory for it may be made.
function coversWrite(
  effect: { readonly path: string; readonly mode: string },
  command: ChangingCommand,
): boolean {
  const file = effect.path;
  const directory = file.replace(/\/[^/]*$/, '') || '/';
  const names = (word: string): boolean => matches(file, word, false) || isTemporary(file, word);
  if (command.by === 'write') {
    const [target = ''] = command.words;
    if (names(target)) return true;
    // The name is in a variable of the shell: the shell must at least have been given this path.
    return target.includes('$') && (command.shell ?? '').split(/[\s'"=]+/).some(names);
  }
  const words = command.words.filter((word) => !word.startsWith('-'));
  switch (command.program) {
    case 'mktemp':
      return words.length === 1 && words.every(names);
    case 'chmod':
      return (
        Number.parseInt(words[0] ?? '', 8) === Number.parseInt(effect.mode, 8) &&
        words.length === 2 &&
        names(words[1] ?? '')
      );
    case 'sync':
      return words.length > 0 && words.every((word) => names(word) || matches(directory, word, false));
    case 'mv':
      return words.length === 2 && isTemporary(file, words[0] ?? '') && matches(file, words[1] ?? '', false);
    case 'rm':
      return words.length > 0 && words.every((word) => isTemporary(file, word));
    case 'chown':
      return words.length === 2 && isTemporary(file, words[1] ?? '');
    case 'mkdir':
      return words
        .filter((word) => !/^0?[0-7]{3}$/.test(word))
        .every((word) => matches(directory, word, false));
    default:
      return false;
  }
}

/** Whether a word is a temporary name of a file: in its directory, with its name and something more. */
function isTemporary(file: string, word: string): boolean {
  const [, directory = '', name = ''] = /^(.*)\/([^/]*)$/.exec(file) ?? [];
  return matches(`${directory}/<dot>${name}<more>`, word, false) && !matches(file, word, false);
}

const PLACEHOLDER = /<[A-Za-z0-9…._-]+>/;
const CLASSES: Readonly<Record<string, RegExp>> = {
  '<migration>': /^[A-Za-z0-9._-]+$/,
  '<generation>': /^\d+$/,
  '<anything>': /^[^]*$/,
  '<…>': /^[^]*$/,
  '<...>': /^[^]*$/,
  '<dot>': /^\.?$/,
  '<more>': /^[^/\s]*$/,
};

/** Whether a text is what a pattern with placeholders says; a truncated text must be the beginning of it. Placeholders without a class of their own stand for one word. */
export function matches(pattern: string, text: string, truncated: boolean): boolean {
  const parts = pattern.split(new RegExp(`(${PLACEHOLDER.source})`));
  const step = (index: number, at: number): boolean => {
    const part = parts[index];
    if (part === undefined) return at === text.length || (truncated && at >= text.length);
    if (truncated && at >= text.length) return true;
    if (!PLACEHOLDER.test(part)) {
      if (text.startsWith(part, at)) return step(index + 1, at + part.length);
      return truncated && part.startsWith(text.slice(at));
    }
    const shape = CLASSES[part] ?? /^\S+$/;
    for (let end = text.length; end >= at; end -= 1) {
      if (shape.test(text.slice(at, end)) && step(index + 1, end)) return true;
    }
    return false;
  };
  return step(0, 0);
}

/** Commands as lines for people. */
export function printCommands(commands: readonly ChangingCommand[]): string {
  return commands
    .map(({ text, by, shell }) =>
      by === 'program' ? text : `${text}   (in: ${(shell ?? '').slice(0, 200)})`,
    )
    .join('\n');
}
