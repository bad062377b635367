import { GCFG_PATH, RSPM, type packageManagerContracts } from '../contracts/package-manager.js';
import { landingOf } from '../contracts/files-landing.js';
import { stepDir } from '../contracts/paths.js';
import { sha256 } from '../digest.js';
import { failure } from '../failures.js';
import type { ActionContext, Handlers } from './action.js';
import {
  askAll,
  assertAnswered,
  findAddresses,
  parseAnswers,
  printAnswers,
  type Answer,
} from './package-manager-answers.js';
import { adaptConfig } from './package-manager-adapt.js';
import { discoverPackageManager } from './package-manager-discover.js';
import { evictCaches } from './package-manager-evict.js';
import { missingOwners } from './package-manager-owners.js';
import { probePeer } from './peer.js';

const SHOWN_DIFFERENCES = 20;

/** What is done to Package Manager itself. */
export const packageManagerHandlers = {
  'packageManager.discover@1': {
    async act(input, context) {
      const source = input.peer === undefined ? undefined : context.hosts.get(input.peer);
      const { host, signal } = context;
      // One attempt has ten minutes and each walk over the data eight, so that they run at the same time.
      const [{ facts, forecast }, peer, lacking] = await Promise.all([
        discoverPackageManager(host, { role: input.role, signal }),
        source === undefined ? 'not probed' : probePeer(host, source),
        source === undefined ? [] : missingOwners(host, { host: source, signal }),
      ]);
      return { changed: false, values: { facts, forecast: { ...forecast, peer, missingOwners: lacking } } };
    },
  },
  'packageManager.evict@1': { act: evictCaches },
  'packageManager.recordAnswers@1': {
    async act(input, context) {
      const product = { host: context.host, port: input.port, context };
      const found = await findAddresses(product, input.frozen);
      const answers = await askAll(product, found.addresses);
      assertAnswered(answers, context.host.name);
      const text = printAnswers(answers);
      const path = `${stepDir(context.call.migration, context.call.step)}/answers.jsonl`;
      await context.host.writeFile(path, text, { mode: '0600' });
      const { repositories, frozen } = found;
      return {
        changed: false,
        values: { addresses: found.addresses.length, frozen, repositories, digest: sha256(text), path },
      };
    },
  },
  'packageManager.compareAnswers@1': { act: compareAnswers },
  'packageManager.verifyKey@1': {
    async act(input, context) {
      const path = `${landingOf(input, context.call.migration).incoming}/${input.file}`;
      const text = await context.host.script('sha256sum -- "$1" | cut -c1-64; stat -c "%a %U" -- "$1"', [
        path,
      ]);
      const [fingerprint = '', rights = ''] = text.trim().split('\n');
      const [mode = '', owner = ''] = rights.split(' ');
      if (fingerprint === input.fingerprint && owner === input.owner && /^[46]00$/.test(mode)) {
        return { changed: false, values: { fingerprint, mode, owner } };
      }
      throw failure('KeyDiffers', {
        message: `encryption key ${path} on ${context.host.name} is not the one of the source`,
        detail: `fingerprint ${fingerprint || 'none'}, wanted ${input.fingerprint}; owner ${owner}, wanted ${input.owner}; mode ${mode}, wanted 600`,
        hint: 'Run "rehost rollback": the data would be unreadable with this key.',
      });
    },
  },
  'packageManager.adapt@1': { act: adaptConfig },
  'packageManager.checkConfig@1': {
    async act(_input, context) {
      const result = await context.host.run([RSPM, 'check-config']);
      const output = `${result.stdout}${result.stderr}`.trim().slice(-1000);
      if (result.end.kind === 'exited' && result.end.exitStatus === 0)
        return { changed: false, values: { output } };
      throw failure('ConfigurationInvalid', {
        message: `rspm check-config refuses the configuration on ${context.host.name}`,
        detail: output,
        hint: `Correct ${GCFG_PATH} on ${context.host.name} as the lines above say, then "rehost retry".`,
      });
    },
  },
  'packageManager.proof@1': {
    async act(input, context) {
      const active = (await context.host.run(['systemctl', 'is-active', input.unit])).stdout.trim();
      if (active !== 'active') {
        throw failure('ServiceNotStarted', {
          message: `${input.unit} on ${context.host.name} is ${active}; it must be active`,
          hint: `Look at "journalctl -u ${input.unit}" on ${context.host.name}, then "rehost retry".`,
        });
      }
      return { changed: false, values: { active: true as const, notes: await proofNotes(input, context) } };
    },
  },
} satisfies Handlers<typeof packageManagerContracts>;

async function compareAnswers(
  input: { port: number; recordedOn: string; path: string; digest: string },
  context: ActionContext,
): Promise<{ changed: false; values: { addresses: number; equal: true } }> {
  const text =
    (await context.hosts.get(input.recordedOn).readFile(input.path, { maxBytes: 16 * 1024 * 1024 })) ?? '';
  if (sha256(text) !== input.digest) {
    throw failure('ProductAnswersWrong', {
      message: `recorded answers ${input.path} on ${input.recordedOn} are not those that were recorded`,
      detail: `digest ${sha256(text)}, wanted ${input.digest}`,
      hint: 'Run "rehost rollback": what the source answered before the fence can no longer be proven.',
    });
  }
  const wanted = parseAnswers(text, input.path);
  const got = await askAll({ host: context.host, port: input.port, context }, wanted);
  const different = wanted.flatMap((one, at) => differenceOf(one, got[at]));
  if (different.length === 0) return { changed: false, values: { addresses: wanted.length, equal: true } };
  throw failure('ProductAnswersWrong', {
    message: `${different.length} of ${wanted.length} addresses answer otherwise on ${context.host.name} than on ${input.recordedOn}`,
    detail: different.slice(0, SHOWN_DIFFERENCES).join('\n'),
    hint: 'Look at the first address on both hosts; then "rehost retry" or "rehost rollback".',
  });
}

function differenceOf(wanted: Answer, got: Answer | undefined): readonly string[] {
  if (got !== undefined && got.status === wanted.status && got.sha256 === wanted.sha256) return [];
  const show = (one: Answer): string =>
    `status ${one.status}, ${one.bytes} bytes, sha256 ${one.sha256.slice(0, 12)}`;
  return [
    `${wanted.kind} ${wanted.address}: wanted ${show(wanted)}; found ${got === undefined ? 'nothing' : show(got)}`,
  ];
}

async function proofNotes(
  input: { group: string; members: string[]; licences: string[]; dataDir: string },
  context: ActionContext,
): Promise<string[]> {
  const group = (await context.host.run(['getent', 'group', input.group])).stdout.trim().split(':')[3] ?? '';
  const present = new Set(group.split(',').filter((name) => name !== ''));
  const absent = input.members.filter((member) => !present.has(member));
  const here = await context.host.script(
    'for f in "$@"; do [ -e "$f" ] || echo "$f"; done',
    input.licences.map((name) => `${input.dataDir}/${name}`),
  );
  const log = await context.host.run([
    'grep',
    '-h',
    '-m',
    '3',
    '-E',
    'Detected R version|Unable to use R',
    '/var/log/rstudio/rstudio-pm/rstudio-pm.log',
  ]);
  return [
    ...absent.map(
      (member) =>
        `account ${member} is in group ${input.group} on the source and not here: add it with usermod -aG`,
    ),
    ...here
      .split('\n')
      .filter((line) => line !== '')
      .map((path) => `licence file ${path} is missing`),
    ...log.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `log: ${line.slice(0, 160)}`),
  ];
}
