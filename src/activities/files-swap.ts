import type { filesContracts } from '../contracts/files.js';
import { landingOf } from '../contracts/files-landing.js';
import { carryScript, swapScript } from '../contracts/files-swap.js';
import { stepDir } from '../contracts/paths.js';
import { failure } from '../failures.js';
import { lastLines } from '../hosts/index.js';
import type { Handler } from './action.js';
import { effectContext } from './effect-context.js';

// One line a place: inode, device, kind; `absent` where there is none. Then whether live is a mount point, and its entries.
const FACTS = `for place do
  if [ -e "$place" ] || [ -L "$place" ]; then stat -c '%i %d %F' -- "$place"; else echo 'absent - -'; fi
done
if mountpoint -q -- "$1"; then echo mounted; else echo plain; fi
if [ -d "$1" ]; then find "$1" -mindepth 1 -maxdepth 1 ! -name '.rehost-*' -printf x | wc -c; else echo 0; fi`;

/** Reads which directory is which. Refuses what cannot be swapped by rename. */
export const swapFacts: Handler<(typeof filesContracts)['files.swapFacts@1']> = {
  async act(input, context) {
    const { call, host } = context;
    const places = landingOf(input, call.migration);
    const parent = places.live.replace(/\/[^/]+$/, '') || '/';
    const answer = await host.script(FACTS, [places.live, places.incoming, parent]);
    const lines = answer.trim().split('\n');
    const [live, incoming, above] = lines.slice(0, 3).map((line) => {
      const [inode = 'absent', device = '-', ...kind] = line.split(' ');
      return { inode, device, kind: kind.join(' ') };
    });
    const mountPoint = lines[3] === 'mounted';
    const around = places.inside ? live : above;
    if (live === undefined || incoming === undefined || around === undefined)
      throw unreadable(host.name, answer);
    if (live.inode !== 'absent' && live.kind !== 'directory')
      throw notDirectory(host.name, places.live, live.kind);
    if (mountPoint && !places.inside) throw mounted(host.name, places.live);
    for (const [path, seen] of [
      [places.live, live],
      [places.incoming, incoming],
    ] as const) {
      if (seen.inode !== 'absent' && seen.device !== around.device) throw otherDevice(host.name, path);
    }
    return {
      changed: false,
      values: {
        targetPath: places.live,
        incomingPath: places.incoming,
        formerPath: places.former,
        liveInode: live.inode,
        incomingInode: incoming.inode,
        mountPoint,
        liveEntries: Number(lines[4]),
      },
    };
  },
};

/** Swaps by rename; a repeat goes on from where a former run stopped. */
export const swap: Handler<(typeof filesContracts)['files.swap@1']> = {
  async act(input, context) {
    const { call, host } = context;
    const places = landingOf(input, call.migration);
    await host.script('mkdir -p -m 0700 "$1"', [stepDir(call.migration, call.step)]);
    const script = swapScript(input, effectContext(call));
    const result = await host.run(['sh', '-eu', '-c', script], { timeoutMs: 110_000 });
    const status = result.end.kind === 'exited' ? result.end.exitStatus : -1;
    if (status !== 0)
      throw swapFailure({ host: host.name, live: places.live, status, said: lastLines(result.stderr) });
    return {
      changed: true,
      values: {
        targetPath: places.live,
        formerPath: places.former,
        restorePoint: input.liveInode !== 'absent',
      },
    };
  },
};

/** Copies host-bound entries along; a repeat overwrites them with the same. */
export const carry: Handler<(typeof filesContracts)['files.carry@1']> = {
  async act(input, context) {
    const script = carryScript(input, effectContext(context.call));
    const printed = await context.host.script(script, [], { timeoutMs: 110_000 });
    const carried = Number(printed.trim());
    return { changed: carried > 0, values: { carried } };
  },
};

function swapFailure(seen: { host: string; live: string; status: number; said: string }) {
  const detail = seen.said === '' ? `The swap ended with status ${seen.status}.` : seen.said;
  if (seen.status === 66) {
    return failure('RenameCrossedDevices', {
      message: `${seen.live} on host ${seen.host} could not be swapped by rename`,
      detail,
      hint: 'Run "rehost rollback" (it moves back what was moved), then put the data directory on a file system of its own or on that of its parent.',
    });
  }
  return failure('SwapInconsistent', {
    message: `${seen.live} on host ${seen.host} and its copies are not the directories that were recorded before the swap`,
    detail,
    hint: `Compare with "ls -lid ${seen.live} ${seen.live.replace(/\/[^/]+$/, '')}/.rehost-*" on ${seen.host}; then run "rehost retry" or "rehost rollback".`,
  });
}

const unreadable = (host: string, answer: string) =>
  failure('CommandFailed', {
    message: `the places of the swap on host ${host} could not be read`,
    detail: answer.slice(0, 400),
    hint: 'Run "rehost retry".',
  });

const notDirectory = (host: string, path: string, kind: string) =>
  failure('SwapInconsistent', {
    message: `${path} on host ${host} is a ${kind}, wanted a directory`,
    hint: `Use the real path of the data directory ("readlink -f ${path}") in the target's configuration, then plan anew.`,
  });

const mounted = (host: string, path: string) =>
  failure('RenameCrossedDevices', {
    message: `${path} on host ${host} is a mount point, so it cannot be renamed as a whole`,
    hint: 'It was none when the plan was made: run "rehost plan" again, the copy then lands inside it.',
  });

const otherDevice = (host: string, path: string) =>
  failure('RenameCrossedDevices', {
    message: `${path} on host ${host} lies on another file system than the place it is to be renamed to`,
    hint: `Compare with "df ${path}" on ${host}; something was mounted since the plan was made: run "rehost plan" again.`,
  });
