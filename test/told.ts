/*
 * What a refusal must tell a person, and how a test asks for it. Shared by the suites with hosts and those without.
 */
import { RehostFailure, type FailureType } from '../src/failures.js';

/** One failure as `-o json` prints it on stderr. */
export interface Told {
  readonly type: FailureType;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint: string;
  readonly exitCode: number;
}

type Texts = string | readonly string[];

/** What must be told. Every text is looked for in the part of the failure that is named like it. */
export interface Wanted {
  readonly type: FailureType;
  readonly message: Texts;
  readonly detail: Texts;
  readonly hint: Texts;
}

/** What a refused command must tell, and its exit code. */
export interface Refusal extends Wanted {
  readonly code: number;
}

/** What a command line gave. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

// An empty text is found in every other one, and "rehost" in every hint: such an expectation only looks like one.
const SAYS_SOMETHING = 10;

/** Looks for every wanted text in its part. @throws when a part is wanted by no text, or by one that says nothing */
export function expectText(
  told: { readonly type: string } & Pick<Told, 'message' | 'detail' | 'hint'>,
  wanted: Wanted,
): void {
  expect(told.type).toBe(wanted.type);
  for (const part of ['message', 'detail', 'hint'] as const) {
    const texts = [wanted[part]].flat();
    const empty = texts.length === 0 ? '' : texts.find((text) => text.trim().length < SAYS_SOMETHING);
    if (empty !== undefined) throw new Error(`"${empty}" is no expectation of a ${part}`);
    for (const text of texts) expect(told[part] ?? `no ${part}`).toContain(text);
  }
}

/** The same for a command, with its exit code. */
export function expectTold(told: Told, wanted: Refusal): void {
  expect({ type: told.type, exitCode: told.exitCode }).toEqual({ type: wanted.type, exitCode: wanted.code });
  expectText(told, wanted);
}

/** The failure that a command line printed as JSON; its own exit code must be the one that it ended with. */
export function toldBy(answer: Answer): Told {
  const line = answer.err.split('\n').find((one) => one.startsWith('{"error":'));
  if (line === undefined) throw new Error(`no failure was told, exit ${answer.code}:\n${answer.err}`);
  const { error } = JSON.parse(line) as { error: Told };
  if (error.exitCode !== answer.code) throw new Error(`exit ${answer.code}, but it says ${error.exitCode}`);
  return error;
}

/** The failure that a call of the client ends with. @throws when it does not fail, or with anything else */
export async function toldWhen(call: Promise<unknown>): Promise<Told> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RehostFailure) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
