/* The container engine of the lab: reached, or installed and started where this is root on a Debian-like system. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cacheDirectory, withLock } from './cache.mjs';
import { canInstallPackages, findProgram, installPackages, lastLines, run, sleep } from './processes.mjs';

/** What a person does when there is no engine and it cannot be installed from here. */
export const engineRemedy =
  'install Docker Engine 20.10 or newer, start it, and let this user reach it (docker version must answer)';

/** Version of the engine that answers, or undefined. */
export async function engineVersion() {
  const { status, stdout } = await run('docker', ['version', '--format', '{{.Server.Version}}'], {
    timeoutMs: 15_000,
  });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

/** Makes an engine answer and returns its version. @throws Error with the line that says what to install */
export async function setUpEngine(say) {
  return (await engineVersion()) ?? withLock('engine', async () => (await engineVersion()) ?? start(say));
}

async function start(say) {
  const local = process.platform === 'linux' && process.getuid?.() === 0 && !process.env.DOCKER_HOST;
  if (!local) throw new Error(engineRemedy);
  if (findProgram('dockerd') === undefined || findProgram('docker') === undefined) {
    if (!canInstallPackages()) throw new Error(engineRemedy);
    say('installing the package docker.io, about 30 s');
    await installPackages('docker.io');
    const version = await waitForEngine(3000); // the package starts it by itself where systemd runs
    if (version !== undefined) return version;
  }
  say('starting dockerd, about 5 s');
  const log = join(cacheDirectory(), 'dockerd.log');
  const file = openSync(log, 'a');
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', file, file], cwd: '/' });
  daemon.on('error', () => undefined); // shows as an engine that never answers
  daemon.unref();
  closeSync(file);
  const version = await waitForEngine(60_000);
  if (version === undefined) {
    throw new Error(
      `dockerd does not answer; the end of ${log}:\n${lastLines(readFileSync(log, 'utf8'), 5)}`,
    );
  }
  return version;
}

async function waitForEngine(limitMs) {
  const until = Date.now() + limitMs;
  for (;;) {
    const version = await engineVersion();
    if (version !== undefined || Date.now() > until) return version;
    await sleep(300);
  }
}
