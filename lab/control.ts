/* What a test does to a lab's hosts from outside: commands as root, power cuts, pauses, and what was executed. */
import { runProgram, docker } from './engine.js';
import type { ProgramOptions, ProgramResult } from './engine.js';
import { waitForBoot } from './hosts.js';
import { LAB_HOST_NAMES, requireLab } from './state.js';
import type { Lab, LabHostName } from './state.js';

/** File on each host with one line per executed program, of every user; empty after a reset, kept over restarts. */
export const EXECUTED_LOG = '/var/log/rehost-lab/executed';

/** Which lab is meant; default `REHOST_LAB`, else `rehost`. */
export interface LabChoice {
  readonly name?: string | undefined;
}

const containerOf = (host: LabHostName, { name }: LabChoice): string =>
  requireLab(name).hosts[host].container;

/** Runs a command as root on a host, not over SSH and not through rehost. A failing status is not thrown. */
export function labExec(
  host: LabHostName,
  argv: readonly [string, ...string[]],
  options: ProgramOptions & LabChoice = {},
): Promise<ProgramResult> {
  const interactive = options.input === undefined ? [] : ['-i'];
  return runProgram('docker', ['exec', ...interactive, containerOf(host, options), ...argv], options);
}

/** Cuts the power of a host: nothing is shut down or flushed. `labStart` boots it again. */
export async function labKill(host: LabHostName, lab: LabChoice = {}): Promise<void> {
  await docker(['kill', containerOf(host, lab)]);
}

/** Boots a host that was killed or stopped and waits until it is up; one that is up stays as it is. */
export async function labStart(host: LabHostName, lab: LabChoice = {}): Promise<void> {
  await docker(['start', containerOf(host, lab)]);
  await waitForBoot(containerOf(host, lab));
}

/** Shuts a host down as an administrator would and boots it again. */
export async function labRestart(host: LabHostName, lab: LabChoice = {}): Promise<void> {
  await docker(['restart', '-t', '10', containerOf(host, lab)]);
  await waitForBoot(containerOf(host, lab));
}

/** Stops every process of a host in place: connections stay open and nothing answers. */
export async function labPause(host: LabHostName, lab: LabChoice = {}): Promise<void> {
  await docker(['pause', containerOf(host, lab)]);
}

/** Lets a paused host go on. */
export async function labUnpause(host: LabHostName, lab: LabChoice = {}): Promise<void> {
  await docker(['unpause', containerOf(host, lab)]);
}

/**
 * What was executed on a host since its last reset, oldest first: `<epoch> uid=… pid=… … exe=… -- <arguments>`.
 *
 * Arguments are joined by spaces, may span lines and end after 2047 bytes. A program looked for along PATH appears once for each try.
 */
export async function labExecuted(host: LabHostName, lab: LabChoice = {}): Promise<readonly string[]> {
  const text = await docker(['exec', containerOf(host, lab), 'cat', EXECUTED_LOG]);
  return text === '' ? [] : text.split(/\n(?=\d+ uid=\d+ pid=\d+ )/);
}

/** Starts the hosts of a lab that are stopped or paused; answers false when one is gone and must be made anew. */
export async function startStopped(lab: Lab): Promise<boolean> {
  const states = await Promise.all(
    LAB_HOST_NAMES.map((name) => {
      const inspect = [
        'inspect',
        '--format',
        '{{.State.Status}} {{.Config.Image}}',
        lab.hosts[name].container,
      ];
      return runProgram('docker', inspect);
    }),
  );
  const words = states.map(({ status, stdout }) => (status === 0 ? stdout.trim() : 'absent'));
  const intact = words.every((word, index) => {
    const host = LAB_HOST_NAMES[index];
    return host !== undefined && word.endsWith(` ${lab.hosts[host].image}`) && !word.startsWith('dead');
  });
  if (!intact) return false;
  const started = await Promise.all(
    LAB_HOST_NAMES.map(async (name, index) => {
      const { container } = lab.hosts[name];
      if (words[index]?.startsWith('paused') === true) await docker(['unpause', container]);
      // Answers 0 for one that runs. It fails when somebody took the port while the host was stopped.
      if ((await runProgram('docker', ['start', container])).status !== 0) return false;
      await waitForBoot(container);
      return true;
    }),
  );
  return started.every(Boolean);
}
