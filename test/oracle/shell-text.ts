/** What a shell changes by itself, without starting a program. */
export interface ShellEffects {
  /** Files that redirections write, as the text says it (`$1`, `/etc/motd`). */
  readonly writes: readonly string[];
  /** `kill …` as a built-in, without `kill -0`. */
  readonly kills: readonly string[];
}

const HARMLESS = /^(\/dev\/(null|stdout|stderr|tty|fd\/\d+)|\/proc\/self\/fd\/\d+)$/;

/**
 * Redirections and built-in kills in shell text; quoted text, comments and here-documents are passed over.
 *
 * Good enough for scripts of ours: no arithmetic shifts, no nested back quotes.
 */
export function shellEffects(text: string): ShellEffects {
  const code = blankQuoted(text);
  const writes: string[] = [];
  for (const match of code.matchAll(/(?:^|[^<>=&-])(?:\d|&)?(>>|>\||>|<>)(?![>(])/g)) {
    const start = match.index + match[0].length;
    if (/^&(\d|-)/.test(text.slice(start))) continue;
    const blanks = /^&?[ \t]*/.exec(text.slice(start))?.[0].length ?? 0;
    const target = wordAt(text, start + blanks);
    if (target !== '' && !HARMLESS.test(target)) writes.push(target);
  }
  const kills = [...code.matchAll(/(?<=^|[;&|({\n]|\bthen|\bdo|\belse|!)\s*(kill\s[^;&|\n)]*)/g)]
    .map((match) => text.slice(match.index, match.index + match[0].length).trim())
    .filter((command) => !/^kill\s+-0\b/.test(command));
  return { writes, kills };
}

// Same length as the text: what is quoted, commented or a here-document becomes blanks; `$(…)` within quotes stays code.
function blankQuoted(text: string): string {
  const out = text.split('');
  const stack: ('code' | 'double' | 'substitution')[] = ['code'];
  let ends: string[] = [];
  const blank = (from: number, to: number): void => {
    for (let index = from; index < to; index += 1) if (out[index] !== '\n') out[index] = ' ';
  };
  const past = (index: number): number => (index === -1 ? text.length : index);
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    const inside = stack.at(-1);
    if (char === '\\') {
      blank(at, at + 2);
      at += 1;
    } else if (text.startsWith('$((', at)) {
      const end = past(text.indexOf('))', at));
      blank(at, end);
      at = end + 1;
    } else if (text.startsWith('$(', at)) {
      stack.push('substitution');
      at += 1;
    } else if (inside === 'double') {
      if (char === '"') stack.pop();
      else blank(at, at + 1);
    } else if (char === '"') stack.push('double');
    else if (char === ')' && inside === 'substitution') stack.pop();
    else if (char === "'") {
      const end = past(text.indexOf("'", at + 1));
      blank(at, end + 1);
      at = end;
    } else if (char === '#' && /^$|[\s;(]/.test(text[at - 1] ?? '')) {
      const end = past(text.indexOf('\n', at));
      blank(at, end);
      at = end - 1;
    } else if (text.startsWith('<<', at)) {
      const word = /^<<-?\s*(['"]?)([A-Za-z_]+)\1/.exec(text.slice(at));
      if (word?.[2] !== undefined) ends.push(word[2]);
      at += (word?.[0].length ?? 2) - 1;
    } else if (char === '\n' && ends.length > 0) {
      for (const end of ends) {
        const match = new RegExp(`^\\t*${end}$`, 'm').exec(text.slice(at + 1));
        const stop = match === null ? text.length : at + 1 + match.index + match[0].length;
        blank(at + 1, stop);
        at = stop - 1;
      }
      ends = [];
    }
  }
  return out.join('').slice(0, text.length);
}

/** The shell word at a place, quotes taken away. */
function wordAt(text: string, start: number): string {
  const match = /^(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|()<>'"\\])*/.exec(text.slice(start));
  return (match?.[0] ?? '').replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
    (...found: (string | undefined)[]) => found[1] ?? found[2] ?? found[3] ?? '',
  );
}
