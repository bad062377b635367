import { spawn } from 'node:child_process';
import { failure } from '../src/failures.js';

/** What a program gave. `status` is 127 when it could not be started and 124 after a time-out. */
export interface ProgramResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of a program run on this machine. */
export interface ProgramOptions {
  readonly input?: string | Uint8Array;
  /** Default 120 000. */
  readonly timeoutMs?: number;
  /** Encoding of stdout; `latin1` keeps bytes apart. Default UTF-8. */
  readonly encoding?: 'utf8' | 'latin1';
  readonly onErrorOutput?: (text: string) => void;
}

/** Runs a program on this machine without a shell; a failing status is not thrown. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let settled = false;
    const settle = (status: number, note = ''): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      const encoding = options.encoding ?? 'utf8';
      const errors = Buffer.concat(stderr).toString('utf8') + note;
      resolve({ status, stdout: Buffer.concat(stdout).toString(encoding), stderr: errors });
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      settle(124, `no end after ${options.timeoutMs ?? 120_000} ms`);
    }, options.timeoutMs ?? 120_000);
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => {
      stderr.push(data);
      options.onErrorOutput?.(data.toString('utf8'));
    });
    child.on('error', (error) => settle(127, error.message));
    child.on('close', (code, signal) => settle(code ?? 128, signal === null ? '' : `killed by ${signal}`));
    child.stdin.on('error', () => undefined); // the program may end before it read all; its status tells
    child.stdin.end(options.input);
  });
}

/** Runs `docker ARGS` and answers its stdout, trimmed. @throws CommandFailed with what docker said, ToolMissing */
export async function docker(args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await runProgram('docker', args, options);
  if (status === 0) return options.encoding === 'latin1' ? stdout : stdout.trim();
  const unreachable = status === 127 || /cannot connect to the docker daemon/i.test(stderr);
  if (unreachable) {
    throw failure('ToolMissing', {
      message: 'no container engine answers',
      detail: stderr.trim(),
      hint: 'Run "npm run setup"; it starts the engine or says what to install.',
    });
  }
  throw failure('CommandFailed', {
    message: `docker ${args.slice(0, 2).join(' ')} exited with ${status}`,
    detail: `${['docker', ...args].join(' ')}\n${stderr.trim()}`,
    hint: 'Read what the engine said; "rehost lab down" followed by "rehost lab up" starts over.',
  });
}

/** Resolves after `ms` milliseconds. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
