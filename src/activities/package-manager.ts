import { GCFG_PATH, RSPM, type packageManagerContracts } from '../contracts/package-manager.js';
import { landingOf } from '../contracts/files-landing.js';
import { stepDir } from '../contracts/paths.js';
import { sha256 } from '../digest.js';
import { failure } from '../failures.js';
import { toShellLine } from '../formats/shell.js';
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
const LOG = '/var/log/rstudio/rstudio-pm/rstudio-pm.log';

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
  'packageManager.verifyKey@1': { act: verifyKey },
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
  'packageManager.proof@1': { act: prove },
} satisfies Handlers<typeof packageManagerContracts>;

// Fingerprint, mode and owner of a key, or nothing when there is none. Of a link, those of what it points to.
const LOOK_AT_KEY = `[ -f "$1" ] || exit 0
sha256sum <"$1" | cut -c1-64
stat -L -c '%a %U' -- "$1"`;

async function verifyKey(
  input: Parameters<typeof landingOf>[0] & { file: string; fingerprint: string; owner: string },
  context: ActionContext,
): Promise<{ changed: false; values: { fingerprint: string; mode: string; owner: string } }> {
  const { host, call } = context;
  const path = `${landingOf(input, call.migration).incoming}/${input.file}`;
  const [fingerprint = '', rights = ''] = (await host.script(LOOK_AT_KEY, [path])).trim().split('\n');
  const [mode = '', owner = ''] = rights.split(' ');
  if (fingerprint !== input.fingerprint) {
    throw failure('KeyDiffers', {
      message:
        fingerprint === ''
          ? `encryption key ${path} on ${host.name} is missing`
          : `encryption key ${path} on ${host.name} is not the one of the source`,
      detail: `fingerprint ${fingerprint || 'none'}, wanted ${input.fingerprint}`,
      hint: 'Run "rehost rollback": the data would be unreadable with this key.',
    });
  }
  if (owner === input.owner && /^[46]00$/.test(mode)) {
    return { changed: false, values: { fingerprint, mode, owner } };
  }
  const correct = `${toShellLine(['chown', input.owner, path])} && ${toShellLine(['chmod', '600', path])}`;
  throw failure('KeyDiffers', {
    message: `encryption key ${path} on ${host.name} belongs to ${owner} with mode ${mode}; ${input.owner} and mode 600 or 400 are needed`,
    detail: `The key itself is the one of the source: fingerprint ${fingerprint}.`,
    hint: `Run "${correct}" on ${host.name}, then "rehost retry".`,
  });
}

async function compareAnswers(
  input: { port: number; recordedOn: string; path: string; digest: string },
  context: ActionContext,
): Promise<{ changed: false; values: { addresses: number; equal: true } }> {
  const recorded = context.hosts.get(input.recordedOn);
  const text = await recorded.readFile(input.path, { maxBytes: 16 * 1024 * 1024 });
  if (text === undefined || sha256(text) !== input.digest) {
    const found = text === undefined ? 'there is no such file' : `digest ${sha256(text)}`;
    throw failure('ProductAnswersWrong', {
      message: `recorded answers ${input.path} on ${input.recordedOn} are not those that were recorded`,
      detail: `${found}, wanted digest ${input.digest}`,
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

const SHOWN_STATE = ['ActiveState', 'SubState', 'Result', 'ExecMainStatus'];

async function prove(
  input: Parameters<typeof proofNotes>[0] & { unit: string },
  context: ActionContext,
): Promise<{ changed: false; values: { active: true; notes: string[] } }> {
  const { host } = context;
  const state = await host.check(['systemctl', 'show', '-p', SHOWN_STATE.join(','), '--', input.unit]);
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(state)?.[1] ?? 'unknown';
  const active = value('ActiveState');
  if (active === 'active') {
    return { changed: false, values: { active: true, notes: await proofNotes(input, context) } };
  }
  throw failure('ServiceNotStarted', {
    message: `${input.unit} on ${host.name} is ${active}; it must be active`,
    detail: SHOWN_STATE.map((name) => `${name}=${value(name)}`).join(' '),
    hint: `Look at "journalctl -u ${input.unit}" on ${host.name}, start it there, then "rehost retry".`,
  });
}

// The last ones: the log goes back to the tests of Phase 1.
const LAST_WORDS_ON_R = `grep -h -E 'Detected R version|Unable to use R' ${LOG} 2>/dev/null | tail -n 3`;

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
  const log = await context.host.script(LAST_WORDS_ON_R);
  return [
    ...absent.map(
      (member) =>
        `account ${member} is in group ${input.group} on the source and not here: add it with usermod -aG`,
    ),
    ...here
      .split('\n')
      .filter((line) => line !== '')
      .map((path) => `licence file ${path} is missing`),
    ...log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `log: ${line.slice(0, 160)}`),
  ];
}
