import type { doctorContracts } from '../contracts/doctor.js';
import { CLAIM_PATH, journalPath, STATE_ROOT, unitDir } from '../contracts/paths.js';
import type { RehostFailure } from '../failures.js';
import { checkRoot, listLeftOvers, readIdentity, type Host } from '../hosts/index.js';
import { sudoersFile } from '../hosts/sudoers.js';
import type { Handlers } from './action.js';

/** Programs that every host of a migration needs. */
export const TOOLS_NEEDED = [
  'systemctl',
  'systemd-run',
  'rsync',
  'sha256sum',
  'flock',
  'getfacl',
  'getfattr',
  'find',
] as const;

const LINE_LIMIT_BYTES = 9 * 1024;

/** What `doctor` and `logs` look at. */
export const doctorHandlers = {
  'doctor.host@1': { act: async (_input, { host }) => ({ changed: false, values: await examine(host) }) },
  'doctor.leftOvers@1': {
    async act(_input, { host }) {
      const found = await listLeftOvers(host);
      const names = await host.script(
        '[ -d "$1" ] || exit 0; find "$1" -mindepth 1 -maxdepth 1 -type d -printf "%f\\n"',
        [STATE_ROOT],
      );
      return {
        changed: false,
        values: {
          leftOvers: found.map((entry) => ({ ...entry, remove: [...(entry.remove ?? [])] })),
          migrations: names
            .split('\n')
            .filter((name) => name !== '')
            .sort(),
        },
      };
    },
  },
  'doctor.log@1': {
    async act(input, { host, call }) {
      const directory = unitDir(call.migration, input.step, input.generation);
      const tail = async (path: string): Promise<string> => {
        // A program that tells its progress ends its lines with a carriage return.
        const read = '[ -f "$1" ] || exit 0; tr "\\r" "\\n" <"$1" | tail -n "$2" | tail -c "$3"';
        return host.script(read, [path, String(input.lines), String(LINE_LIMIT_BYTES)]);
      };
      const found = (await host.script('[ -d "$1" ] && echo yes || true', [directory])).trim() === 'yes';
      return {
        changed: false,
        values: {
          directory,
          found,
          progress: await tail(`${directory}/progress`),
          stdout: await tail(`${directory}/stdout`),
          stderr: await tail(`${directory}/stderr`),
          journal: await tail(journalPath(call.migration)),
        },
      };
    },
  },
} satisfies Handlers<typeof doctorContracts>;

/** What one look at a host found; the outcome of the `doctor` action. */
export interface Examination {
  readonly login: string;
  readonly hostKey: string;
  readonly hostName: string;
  readonly os: string;
  readonly machineId: string;
  readonly clockOffsetMs: number;
  readonly problems: { type: string; message: string; detail: string; hint: string }[];
  readonly missingTools: string[];
  readonly sudoers: { path: string; text: string; state: string };
  readonly claim: string;
}

async function examine(host: Host): Promise<Examination> {
  const hostKey = await host.hostKey();
  const login = (await host.check(['id', '-un'], { as: 'login' })).trim();
  const missingTools = await toolsMissing(host);
  const root = await checkRoot(host);
  const common = { login, hostKey, missingTools };
  if (root !== undefined) {
    return {
      ...common,
      hostName: '',
      os: '',
      machineId: '',
      clockOffsetMs: 0,
      problems: [asProblem(root)],
      sudoers: { ...sudoersFile(login), state: 'does not let the account run commands as root' },
      claim: '',
    };
  }
  const identity = await readIdentity(host);
  const sudoers = await sudoersState(host, login);
  return {
    ...common,
    hostName: identity.hostName,
    os: identity.os.prettyName,
    machineId: identity.machineId,
    clockOffsetMs: identity.clockOffsetMs,
    problems: sudoers.problem === undefined ? [] : [sudoers.problem],
    sudoers: { ...sudoersFile(login), state: sudoers.state },
    claim: ((await host.readFile(CLAIM_PATH)) ?? '').trim(),
  };
}

// A login shell's PATH often lacks the sbin directories; root's commands find them.
async function toolsMissing(host: Host): Promise<string[]> {
  const text = await host.script(
    'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || echo "$tool"; done',
    TOOLS_NEEDED,
    { as: 'login' },
  );
  return text.split('\n').filter((line) => line !== '');
}

const NOT_VALID = 'installed and NOT valid';

async function sudoersState(
  host: Host,
  login: string,
): Promise<{ readonly state: string; readonly problem?: Examination['problems'][number] }> {
  if (login === 'root') return { state: 'not needed: the account is root' };
  const { path } = sudoersFile(login);
  const tested = await host.script(
    `if [ ! -f "$1" ]; then echo "other rules let the account be root"
elif said=$(visudo -cf "$1" 2>&1); then echo "installed and valid"
else printf '%s\\n' "${NOT_VALID}" "$said"; fi`,
    [path],
  );
  const [state = '', ...said] = tested.trim().split('\n');
  if (state !== NOT_VALID) return { state };
  // Other rules let the account be root today; a sudo of another release may refuse everybody because of this file.
  const problem = {
    type: 'SudoMissing',
    message: `${path} on host ${host.name} is not valid`,
    detail: said.join('\n'),
    hint: `Replace it by the file below, with mode 0440, and check it on the host: "visudo -cf ${path}".`,
  };
  return { state, problem };
}

const asProblem = (error: RehostFailure): Examination['problems'][number] => ({
  type: error.type,
  message: error.message,
  detail: error.detail ?? '',
  hint: error.hint,
});
