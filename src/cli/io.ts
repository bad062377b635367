import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import type { Environment } from '../config.js';
import { surviveLostReader } from '../lost-reader.js';

/** The process as commands see it; tests give their own. */
export interface Io {
  /** Results: what a program may parse. */
  readonly out: (text: string) => void;
  /** Narration, warnings, failures: for people. */
  readonly err: (text: string) => void;
  readonly env: Environment;
  /** Whether a person can be asked: both stdin and stderr are terminals. */
  readonly interactive: boolean;
  /** Whether stderr may be coloured: a terminal, and NO_COLOR is not set. @see no-color.org */
  readonly colour: boolean;
  /** One line from the person; undefined at end of input. Only when `interactive`. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** Aborted by the first Ctrl-C, by SIGTERM, and when the terminal is closed. */
  readonly interrupted: AbortSignal;
}

/** The real process. */
export function processIo(): Io {
  const controller = new AbortController();
  // The first Ctrl-C detaches in order; a second one ends the process as usual.
  process.once('SIGINT', () => controller.abort());
  process.once('SIGTERM', () => controller.abort());
  // A terminal that is closed: without this "up" would be gone at once, and its Temporal would run on.
  process.once('SIGHUP', () => controller.abort());
  const noColour = process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '';
  for (const stream of [process.stdout, process.stderr]) surviveLostReader(stream);
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    interactive: isatty(0) && isatty(2),
    colour: isatty(2) && !noColour,
    ask,
    interrupted: controller.signal,
  };
}

async function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string | undefined>((resolve) => {
      lines.once('close', () => resolve(undefined));
      lines.once('SIGINT', () => {
        // At once, not as a real signal in a moment: the caller asks next whether it was interrupted.
        if (!process.emit('SIGINT')) process.kill(process.pid, 'SIGINT');
        resolve(undefined);
      });
      void lines.question(question).then(resolve);
    });
  } finally {
    lines.close();
  }
}

/** Bold text where colours are allowed. */
export const bold = (io: Pick<Io, 'colour'>, text: string): string =>
  io.colour ? `\u001b[1m${text}\u001b[0m` : text;
/** Red text where colours are allowed. */
export const red = (io: Pick<Io, 'colour'>, text: string): string =>
  io.colour ? `\u001b[31m${text}\u001b[0m` : text;
