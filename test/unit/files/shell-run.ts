import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a real `sh` made of a script. */
export interface ShellRun {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A new directory, removed by `remove`. */
export function scratch(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'rehost-files-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a script with a real `sh -eu`, or plain `sh` as by hand; `programs` is a directory put before PATH. */
export function sh(
  script: string,
  options: { args?: readonly string[]; programs?: string; cwd?: string; byHand?: boolean } = {},
): ShellRun {
  const path = process.env['PATH'] ?? '';
  const { status, signal, stdout, stderr } = spawnSync(
    'sh',
    [...(options.byHand === true ? [] : ['-eu']), '-c', script, 'rehost', ...(options.args ?? [])],
    {
      encoding: 'utf8',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, PATH: options.programs === undefined ? path : `${options.programs}:${path}` },
    },
  );
  return { status, signal, stdout, stderr };
}

/** Puts an executable shell script into a directory. */
export function program(directory: string, name: string, text: string): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}
