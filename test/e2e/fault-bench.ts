/*
 * Command lines against a lab whose hosts and inventory are spoiled one row at a time, and the proof that a refused
 * command changed nothing on either host.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { parse, stringify } from 'yaml';
import { labExec, type LabHostName } from '../../lab/lab.js';
import { callCli } from '../recording-io.js';
import { startWorker } from '../../src/worker.js';
import { toldBy, type Answer, type Told } from '../told.js';
import { REQUESTER, startWorld, type World } from './world.js';

/** Both hosts of the lab. */
export const HOSTS = ['ppm-source', 'ppm-target'] as const;

/** Members of one host in an inventory file. */
export type Entry = Record<string, string | number>;

/** A world, its command line and what is needed to spoil it and to see that nothing was changed. */
export interface Bench {
  readonly world: World;
  /** Runs a command line as the requester, or as `REHOST_ACTOR` of the first word says (`actor=NAME`). */
  rehost(...argv: string[]): Promise<Answer>;
  /** The same with `-o json`, for a command that fails; answers its failure. */
  refused(...argv: string[]): Promise<Told>;
  /** Shell text as root on a host, not through rehost. @throws when it fails */
  on(host: LabHostName, text: string): Promise<string>;
  /** Changes the worker's inventory: one host's entry, or the whole text. */
  inventory(change: string | ((hosts: Record<string, Entry>) => void)): void;
  /** Puts the worker's inventory back. */
  healInventory(): void;
  /** Everything on both hosts that a refused command could have changed, and the runs that Temporal knows. */
  picture(): Promise<string>;
  /** Path of a file with this content, beside Temporal's database. */
  file(name: string, content: string): string;
}

// Paths that the running product writes by itself are left out: shared memory of SQLite, metrics, logs, locks.
const PICTURE = `find /etc /home /root /opt /usr/local /srv /var/lib/rehost /var/spool -printf '%p %y %m %U:%G %s %T@ %C@ %l\\n' 2>/dev/null |
  grep -v -E '^(/srv/ppm/data/(metrics|db/[^ ]*-shm|db/[^ ]*-wal)|/root/\\.cache)' | LC_ALL=C sort
systemctl show rstudio-pm.service -p LoadState,ActiveState,UnitFileState,InvocationID,NRestarts,DropInPaths
systemctl list-units --all --plain --no-legend 'rehost-*'
ps -u rstudio-pm -o user:20,args --no-headers | LC_ALL=C sort`;

/** Brings a world up whose worker reads an inventory of its own. */
export async function startBench(name: string): Promise<Bench> {
  const world = await startWorld({ name });
  const inventory = join(world.directory, 'worker-inventory.yaml');
  const healthy = readFileSync(world.lab.inventory, 'utf8');
  writeFileSync(inventory, healthy);
  await world.worker.stop();
  const logger = pino({ level: 'fatal' }, pino.destination(2));
  world.worker = await startWorker({ ...world.configuration, inventory }, { logger });
  const on = async (host: LabHostName, text: string): Promise<string> => {
    const { status, stdout, stderr } = await labExec(host, ['sh', '-euc', text], { name });
    if (status !== 0) throw new Error(`on ${host}: ${text}\nexited with ${status}\n${stdout}${stderr}`);
    return stdout.trim();
  };
  const rehost = (...argv: string[]): Promise<Answer> => commandLine(world, argv);
  return {
    world,
    rehost,
    refused: async (...argv) => toldBy(await rehost(...argv, '-o', 'json')),
    on,
    inventory: (change) => {
      if (typeof change === 'string') {
        writeFileSync(inventory, change);
        return;
      }
      const content = parse(healthy) as { hosts: Record<string, Entry> };
      change(content.hosts);
      writeFileSync(inventory, stringify(content));
    },
    healInventory: () => writeFileSync(inventory, healthy),
    picture: async () => {
      const hosts = await Promise.all(HOSTS.map(async (host) => `${host}\n${await on(host, PICTURE)}`));
      const runs = await world.client.list('all');
      return [...hosts, ...runs.map((run) => `${run.workflowId} ${run.runId}`)].join('\n');
    },
    file: (file, content) => {
      const path = join(world.directory, file);
      writeFileSync(path, content);
      return path;
    },
  };
}

async function commandLine(world: World, argv: readonly string[]): Promise<Answer> {
  const actor = argv[0]?.startsWith('actor=') === true ? argv[0].slice('actor='.length) : undefined;
  const env = { HOME: process.env['HOME'], REHOST_ACTOR: actor ?? REQUESTER };
  const words = actor === undefined ? argv : argv.slice(1);
  return callCli([...words, '--address', world.server.address], { env });
}
