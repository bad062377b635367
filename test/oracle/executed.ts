import { READ_ONLY, allowedBy } from './allow-list.js';
import { UNWRAPPED, WRAPPERS, isOurs } from './wrappers.js';
import { shellEffects } from './shell-text.js';

/** One program that was executed on a host, as snoopy recorded it. */
export interface ExecutedCommand {
  /** Arguments joined by blanks: their borders are lost in the record. */
  readonly text: string;
  /** Base name of the program. */
  readonly program: string;
  /** The words after the program. */
  readonly words: readonly string[];
  /** The record's fields: uid, pid, ppid, cwd, exe, cg1, cg2 … */
  readonly fields: Readonly<Record<string, string>>;
  /** Whether snoopy cut the text. */
  readonly truncated: boolean;
}

/** Something that changes a host: a program, or what a shell does by itself. */
export interface ChangingCommand extends ExecutedCommand {
  /** `write`: a redirection, `text` is `> FILE`. `kill`: the shell's own kill. */
  readonly by: 'program' | 'write' | 'kill';
  /** Text of the shell that redirects or kills. */
  readonly shell?: string;
}

// snoopy 2.5 cuts the command at 2 KiB less its terminating byte (measured: 2047 characters).
const LIMIT = 2047;
const RECORD =
  /^(?:\d+ (?<plain>(?:\w+=\S* )*?)cwd=(?<cwd>.*?) exe=(?<exe>.*?) -- |\[(?<fields>[^\]\n]*\bu?id:[^\]\n]*)\]: )(?<text>[^]*)$/;
const START = /^(?:\d+ uid=\d+ .*?exe=.*? -- |\[[^\]\n]*\buid:)/;

/**
 * The commands of a log, oldest first. Lines that do not begin a record go on with the text of the record before.
 *
 * Understands the lab's format (`TIME uid=… pid=… … cwd=… exe=… -- COMMAND`) and snoopy's own (`[… uid:…]: COMMAND`).
 */
export function parseExecuted(log: readonly string[]): readonly ExecutedCommand[] {
  const records: string[] = [];
  for (const line of log.flatMap((text) => text.split('\n'))) {
    if (START.test(line) || records.length === 0) records.push(line);
    else records.push(`${records.pop() ?? ''}\n${line}`);
  }
  return records.flatMap((record) => {
    const groups = RECORD.exec(record)?.groups;
    const text = groups?.['text']?.replace(/\n+$/, '');
    if (groups === undefined || text === undefined || text === '') return [];
    const pairs = (groups['plain'] ?? groups['fields'] ?? '')
      .trim()
      .split(' ')
      .map((field): [string, string] => {
        const [, key = '', value = ''] = /^([^=:]*)[=:](.*)$/.exec(field) ?? [];
        return [key, value];
      });
    const fields = { ...Object.fromEntries(pairs), cwd: groups['cwd'] ?? '', exe: groups['exe'] ?? '' };
    return [{ ...commandOf(text), fields, truncated: Buffer.byteLength(text) >= LIMIT - 2 }];
  });
}

function commandOf(text: string): Pick<ExecutedCommand, 'text' | 'program' | 'words'> {
  const [name = '', ...words] = text.split(/\s+/).filter((word) => word !== '');
  // A login shell calls itself `-bash`.
  return { text, program: name.replace(/^.*\//, '').replace(/^-/, ''), words };
}

/**
 * What a host's record holds of changes that rehost made, oldest first.
 *
 * A command changes unless the allow-list says that it only reads or only starts others (`printAllowList`). A shell
 * counts by its redirections and its built-in kill.
 */
export function changingCommands(log: readonly string[]): readonly ChangingCommand[] {
  return parseExecuted(log)
    .filter((command) => isOurs(command, groupsOf(command.fields)))
    .flatMap(changesOf);
}

function changesOf(command: ExecutedCommand): readonly ChangingCommand[] {
  const wrapper = UNWRAPPED.find(({ program }) => program === command.program);
  if (wrapper !== undefined) {
    const inner = command.text.replace(/^\S+\s*/, '').replace(wrapper.head, '');
    if (inner === '' || /^\d+$/.test(inner)) return []; // `flock 9` locks an open file and starts nothing
    // What xargs adds to the command came from its stdin: the record holds the beginning only.
    const truncated = command.truncated || wrapper.program === 'xargs';
    return changesOf({ ...command, ...commandOf(inner), truncated });
  }
  if (/^(--version|--help|-V|-h)$/.test(command.words.join(' '))) return [];
  if (allowedBy(READ_ONLY, command) !== undefined) return [];
  if (allowedBy(WRAPPERS, command) === undefined) return [{ ...command, by: 'program' }];
  return /^(sh|bash|dash)$/.test(command.program) ? shellChanges(command) : [];
}

/** Control groups of versions 1 and 2, whichever the record has. */
function groupsOf(fields: Readonly<Record<string, string>>): readonly string[] {
  return ['cg1', 'cg2', 'v1', 'v2'].flatMap((key) => fields[key] ?? []);
}

function shellChanges(command: ExecutedCommand): readonly ChangingCommand[] {
  const script = /^\S+\s+(?:-\S+\s+)*?-[a-z]*c\s+([^]*)$/.exec(command.text)?.[1];
  if (script === undefined) return [];
  const { writes, kills } = shellEffects(script);
  return [
    ...writes.map((target): ChangingCommand => ({
      ...command,
      by: 'write',
      shell: command.text,
      text: `> ${target}`,
      program: '>',
      words: [target],
    })),
    ...kills.map((kill): ChangingCommand => ({
      ...command,
      ...commandOf(kill),
      by: 'kill',
      shell: command.text,
    })),
  ];
}
