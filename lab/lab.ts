/*
 * Two hosts to practise on: a source on Debian 12 and a target on Debian 13, each a container that boots systemd.
 * Several labs live side by side, each under its own name; everything a lab owns carries that name.
 */
import { join } from 'node:path';
import { failure } from '../src/failures.js';
import { startStopped } from './control.js';
import type { LabChoice } from './control.js';
import { docker, runProgram } from './engine.js';
import { createHost, removeContainer } from './hosts.js';
import { packageRoot } from './package-root.js';
import {
  LAB_HOST_NAMES,
  ensureIdentity,
  forgetLab,
  labDirectory,
  labName,
  readLab,
  requireLab,
  writeLab,
} from './state.js';
import type { Lab, LabHost, LabHostName, LabSizes } from './state.js';

export { LAB_HOST_NAMES, labDirectory, labName, requireLab } from './state.js';
export type { Lab, LabHost, LabHostName, LabSizes } from './state.js';
export * from './control.js';

/** How a lab is brought up. */
export interface LabOptions extends Partial<LabSizes> {
  /** Default `REHOST_LAB`, else `rehost`. */
  readonly name?: string;
  /** Receives one line for each thing that takes time; default: nothing is said. */
  readonly say?: (line: string) => void;
}

const DEFAULT_SIZES: LabSizes = { packages: 24, packageBytes: 65_536 };

/**
 * Brings the lab up and answers where everything is. One that is up with the same images and sizes stays as it is;
 * stopped hosts are started; other images or sizes make the hosts anew.
 *
 * @throws ToolMissing without an engine; CommandFailed when an image cannot be built or a host does not boot
 */
export async function labUp(options: LabOptions = {}): Promise<Lab> {
  const name = labName(options.name);
  const known = readLab(name);
  const sizes = sizesOf(options, known?.sizes ?? DEFAULT_SIZES);
  const images = await buildImages(options.say);
  if (known !== undefined && isSame(known, sizes, images) && (await startStopped(known))) return known;
  return makeHosts({ name, sizes, images, known });
}

/**
 * Puts both hosts back to the seeded state, with the same ports, host keys and machine ids: a few seconds.
 *
 * Sizes stay as they are unless given. A lab that is not up is brought up.
 */
export async function labReset(options: LabOptions = {}): Promise<Lab> {
  const name = labName(options.name);
  const known = readLab(name);
  const sizes = sizesOf(options, known?.sizes ?? DEFAULT_SIZES);
  return makeHosts({ name, sizes, images: await buildImages(options.say), known });
}

/** Removes the lab's hosts, network, key and records; nothing of other labs. Safe to repeat. */
export async function labDown(options: LabChoice = {}): Promise<void> {
  const name = labName(options.name);
  const ids = await docker(['ps', '-aq', '--filter', `label=rehost.lab=${name}`]);
  await Promise.all(ids.split('\n').filter(Boolean).map(removeContainer));
  const networks = await docker(['network', 'ls', '-q', '--filter', `label=rehost.lab=${name}`]);
  for (const network of networks.split('\n').filter(Boolean)) await docker(['network', 'rm', network]);
  forgetLab(name);
}

/** One host in `labStatus`. `state` is docker's word: running, exited, paused, …, or `absent`. */
export interface LabHostStatus {
  readonly name: LabHostName;
  readonly state: string;
  readonly container: string;
  readonly port: number;
}

/** The lab and the state of its hosts; `lab` is undefined when it is not up. */
export async function labStatus(options: LabChoice = {}): Promise<{
  readonly name: string;
  readonly lab: Lab | undefined;
  readonly hosts: readonly LabHostStatus[];
}> {
  const name = labName(options.name);
  const lab = readLab(name);
  if (lab === undefined) return { name, lab, hosts: [] };
  const hosts = LAB_HOST_NAMES.map(async (host) => {
    const { container, port } = lab.hosts[host];
    const inspect = ['inspect', '--format', '{{.State.Status}}', container];
    const { status, stdout } = await runProgram('docker', inspect);
    return { name: host, container, port, state: status === 0 ? stdout.trim() : 'absent' };
  });
  return { name, lab, hosts: await Promise.all(hosts) };
}

/** The command that logs in to a host as rehost does; more words are run there. @throws UsageInvalid */
export function labSsh(
  host: string,
  args: readonly string[] = [],
  options: LabChoice = {},
): readonly [string, ...string[]] {
  const lab = requireLab(options.name);
  const found = LAB_HOST_NAMES.find((name) => name === host);
  if (found === undefined) {
    throw failure('UsageInvalid', {
      message: `lab ${lab.name} has no host ${JSON.stringify(host)}; it has ${LAB_HOST_NAMES.join(' and ')}`,
      hint: `Run "rehost lab ssh ${LAB_HOST_NAMES[0]}".`,
    });
  }
  const settings = ['HostKeyAlgorithms=ssh-ed25519', 'GlobalKnownHostsFile=/dev/null', 'IdentitiesOnly=yes'];
  const flags = [...settings, `UserKnownHostsFile=${lab.knownHosts}`].flatMap((setting) => ['-o', setting]);
  const login = ['-i', lab.identityFile, '-p', String(lab.hosts[found].port), 'rehost@127.0.0.1'];
  return ['ssh', '-F', 'none', ...flags, ...login, ...args];
}

type Images = Readonly<Record<'source' | 'target', string>>;

// The images are made by the set-up script: it runs before npm packages exist, so it stays plain JavaScript.
async function buildImages(say: (line: string) => void = () => undefined): Promise<Images> {
  const script = join(packageRoot(), 'scripts', 'setup', 'images.mjs');
  const { status, stdout, stderr } = await runProgram(process.execPath, [script], {
    timeoutMs: 1_800_000,
    onErrorOutput: (text) => say(text.trimEnd()),
  });
  if (status === 0) return JSON.parse(stdout) as Images;
  throw failure('ToolMissing', {
    message: 'the images of the lab could not be made',
    detail: stderr.trim(),
    hint: 'Run "npm run setup"; it starts the engine or says what to install.',
  });
}

function sizesOf(options: LabOptions, defaults: LabSizes): LabSizes {
  const sizes = {
    packages: options.packages ?? defaults.packages,
    packageBytes: options.packageBytes ?? defaults.packageBytes,
  };
  for (const [key, value] of Object.entries(sizes)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw failure('UsageInvalid', {
      message: `lab size ${key} is ${value}, not a whole number of at least 1`,
      hint: `Run "rehost lab up --packages ${DEFAULT_SIZES.packages} --package-bytes ${DEFAULT_SIZES.packageBytes}".`,
    });
  }
  return sizes;
}

const isSame = (lab: Lab, sizes: LabSizes, images: Images): boolean =>
  lab.sizes.packages === sizes.packages &&
  lab.sizes.packageBytes === sizes.packageBytes &&
  LAB_HOST_NAMES.every((name) => lab.hosts[name].image === images[lab.hosts[name].role]);

interface Making {
  readonly name: string;
  readonly sizes: LabSizes;
  readonly images: Images;
  readonly known: Lab | undefined;
}

async function makeHosts({ name, sizes, images, known }: Making): Promise<Lab> {
  const identityFile = await ensureIdentity(name);
  const network = await ensureNetwork(name);
  const make = (host: LabHostName, image: string): Promise<LabHost> =>
    createHost({ lab: name, name: host, image, network, sizes, port: known?.hosts[host].port });
  const [source, target] = await Promise.all([
    make('ppm-source', images.source),
    make('ppm-target', images.target),
  ]);
  const directory = labDirectory(name);
  const lab: Lab = {
    name,
    directory,
    inventory: join(directory, 'inventory.yaml'),
    knownHosts: join(directory, 'known_hosts'),
    identityFile,
    network,
    sizes,
    hosts: { 'ppm-source': source, 'ppm-target': target },
  };
  writeLab(lab);
  return lab;
}

async function ensureNetwork(name: string): Promise<string> {
  const network = `rehost-lab-${name}`;
  const { status } = await runProgram('docker', ['network', 'inspect', network]);
  if (status !== 0) await docker(['network', 'create', '--label', `rehost.lab=${name}`, network]);
  return network;
}
