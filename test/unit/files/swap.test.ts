import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { landingOf } from '../../../src/contracts/files-landing.js';
import { swapContract, swapScript, type SwapInput } from '../../../src/contracts/files-swap.js';
import { program, scratch, sh } from './shell-run.js';

const MIGRATION = 'm-1';
const inodeOf = (path: string): string => (existsSync(path) ? String(statSync(path).ino) : 'absent');

/** A live and an incoming tree in a new directory, with scripts that know their inodes. */
function world(options: { inside: boolean; live?: boolean }) {
  const place = scratch();
  const live = join(place.path, "the data's place");
  const programs = join(place.path, 'bin');
  const step = join(place.path, 'step');
  const places = landingOf({ targetPath: live, inside: options.inside }, MIGRATION);
  for (const path of [programs, step]) mkdirSync(path);
  if (options.live !== false) {
    mkdirSync(join(live, 'sub'), { recursive: true, mode: 0o750 });
    for (const name of ['staging', 'both', 'new\nline', '-dash', '.hidden'])
      writeFileSync(join(live, name), `staging ${name}`);
    execFileSync('chmod', ['0751', live]);
  } else if (options.inside) mkdirSync(live);
  mkdirSync(places.incoming);
  for (const name of ['production', 'both', '.profile'])
    writeFileSync(join(places.incoming, name), `production ${name}`);
  execFileSync('chmod', ['0700', places.incoming]);
  const input: SwapInput = {
    targetPath: live,
    inside: options.inside,
    liveInode: inodeOf(live),
    incomingInode: inodeOf(places.incoming),
  };
  const context = { migration: MIGRATION, step: 'swap', generation: '1', host: 'a' };
  // The step's directory is the only path that a test cannot have below /var/lib.
  const here = (text: string): string => text.replaceAll('/var/lib/rehost/m-1/swap', step);
  const act = (path?: string) =>
    sh(here(swapScript(input, context)), path === undefined ? {} : { programs: path });
  const undo = (path?: string) =>
    sh(
      here((swapContract.undo?.shell(input, context) ?? []).join('\n')),
      path === undefined ? {} : { programs: path },
    );
  const byHand = () =>
    sh(here((swapContract.undo?.shell(input, context) ?? []).join('\n')), { programs, byHand: true });
  return { place, places, live, programs, input, act, undo, byHand };
}

type World = ReturnType<typeof world>;

/** Replaces `mv`: the shell that called it is killed before or after the given call. */
function killAt({ programs }: World, call: number, when: 'before' | 'after'): string {
  const calls = join(programs, 'calls');
  writeFileSync(calls, '');
  program(
    programs,
    'mv',
    `case "$1" in --help) exec /bin/mv --help ;; esac
printf x >> ${calls}
count=$(wc -c < ${calls})
[ "$count" -eq ${call} ] && [ ${when} = before ] && { kill -9 $PPID; exit 1; }
/bin/mv "$@"
status=$?
[ "$count" -eq ${call} ] && { kill -9 $PPID; exit 1; }
exit $status`,
  );
  return programs;
}

/** What is in each place, as one comparable value. */
const seen = ({ places }: World) => {
  const tree = (path: string): Record<string, string> | undefined =>
    existsSync(path)
      ? Object.fromEntries(
          readdirSync(path)
            .filter((name) => !name.startsWith('.rehost-'))
            .map((name) => [
              name,
              statSync(join(path, name)).isFile() ? readFileSync(join(path, name), 'utf8') : 'directory',
            ]),
        )
      : undefined;
  return {
    live: tree(places.live),
    incoming: tree(places.incoming),
    former: tree(places.former),
    mode: existsSync(places.live) ? statSync(places.live).mode : 0,
  };
};

const around = (calls: readonly number[]) =>
  calls.flatMap((call) => (['before', 'after'] as const).map((when) => [call, when] as const));

describe.each([
  { title: 'of whole trees', inside: false, points: around([1, 2]) },
  { title: 'inside a mount point', inside: true, points: around([1, 3, 4, 8, 9, 10, 12]) },
])('a swap $title', ({ inside, points }) => {
  let now: World;
  beforeEach(() => {
    now = world({ inside });
  });
  afterEach(() => now.place.remove());

  it('puts incoming in the place of live and keeps the former content', () => {
    const before = seen(now);
    expect(now.act()).toMatchObject({ status: 0, stderr: '' });
    const after = seen(now);
    expect(after.live).toEqual(before.incoming);
    expect(after.former).toEqual(before.live);
    expect(after.mode & 0o777).toBe(0o700);
  });

  it('changes nothing when it is run again', () => {
    now.act();
    const once = seen(now);
    expect(now.act()).toMatchObject({ status: 0 });
    expect(seen(now)).toEqual(once);
  });

  it('is taken back to the same trees, and taking back twice does no harm', () => {
    const before = seen(now);
    now.act();
    expect(now.undo()).toMatchObject({ status: 0, stderr: '' });
    expect(seen(now)).toEqual(before);
    expect(now.undo()).toMatchObject({ status: 0 });
    expect(seen(now)).toEqual(before);
  });

  it('is taken back after the emptied incoming was discarded', () => {
    const before = seen(now);
    now.act();
    rmSync(now.places.incoming, { recursive: true, force: true });
    expect(now.undo()).toMatchObject({ status: 0, stderr: '' });
    expect(seen(now)).toEqual(before);
  });

  it('has nothing to take back when it never ran', () => {
    const before = seen(now);
    expect(now.undo()).toMatchObject({ status: 0 });
    expect(seen(now)).toEqual(before);
  });

  it('can be done again after it was taken back', () => {
    now.act();
    const once = seen(now);
    now.undo();
    expect(now.act()).toMatchObject({ status: 0 });
    expect(seen(now)).toEqual(once);
  });

  describe.each(points)('killed at rename %d, %s it', (call, when) => {
    it('is finished by a repeat', () => {
      const before = seen(now);
      expect(now.act(killAt(now, call, when)).status).not.toBe(0);
      expect(now.act()).toMatchObject({ status: 0 });
      expect(seen(now)).toMatchObject({ live: before.incoming, former: before.live });
    });

    it('is taken back to the same trees', () => {
      const before = seen(now);
      expect(now.act(killAt(now, call, when)).status).not.toBe(0);
      expect(now.undo()).toMatchObject({ status: 0 });
      expect(seen(now)).toEqual(before);
    });

    it('is taken back by a second undo when the first was killed there', () => {
      const before = seen(now);
      now.act();
      now.undo(killAt(now, call, when));
      expect(now.undo()).toMatchObject({ status: 0 });
      expect(seen(now)).toEqual(before);
    });
  });
});

describe('a swap that cannot be', () => {
  it('is refused when the live directory is not the recorded one', () => {
    const now = world({ inside: false });
    execFileSync('sh', ['-c', 'mv "$1" "$1.away" && mkdir "$1"', 'sh', now.live]);
    expect(now.act()).toMatchObject({
      status: 65,
      stderr: expect.stringContaining('not as recorded') as string,
    });
    expect(existsSync(now.places.incoming)).toBe(true);
    now.place.remove();
  });

  it('is refused when incoming is not the one that was verified', () => {
    const now = world({ inside: false });
    execFileSync('sh', ['-c', 'mv "$1" "$1.away" && mkdir "$1"', 'sh', now.places.incoming]);
    expect(now.act()).toMatchObject({ status: 65 });
    expect(inodeOf(now.live)).toBe(now.input.liveInode);
    now.place.remove();
  });

  it('says so when a rename copied to another file system', () => {
    const now = world({ inside: false });
    program(now.programs, 'mv', '[ "$1" = --help ] && exit 0; shift 2; cp -a "$1" "$2" && rm -rf "$1"');
    expect(now.act(now.programs)).toMatchObject({
      status: 66,
      stderr: expect.stringContaining('copied, not renamed') as string,
    });
    expect(now.undo()).toMatchObject({ status: 0 });
    expect(seen(now).live).toHaveProperty('staging');
    now.place.remove();
  });

  it('is not taken back over a directory that somebody put there', () => {
    const now = world({ inside: false });
    now.act();
    mkdirSync(now.places.incoming);
    execFileSync('sh', ['-c', 'mv "$1" "$1.away" && mkdir "$1"', 'sh', now.live]);
    expect(now.undo()).toMatchObject({ status: 65 });
    expect(existsSync(now.places.former)).toBe(true);
    now.place.remove();
  });
});

describe('a swap or an undo beside one that is still at work', () => {
  it.each(['act', 'undo'] as const)('waits until that has ended before its %s', async (what) => {
    const made = world({ inside: true });
    if (what === 'undo') made.act();
    const path = made.place.path;
    // The other one: it has the migration's lock for a second.
    const other = spawn('sh', [
      '-c',
      'exec 8<"$1"; flock 8; : >"$1/held"; sleep 1; rm "$1/held"',
      'sh',
      path,
    ]);
    while (!existsSync(join(path, 'held'))) await new Promise((resolve) => setTimeout(resolve, 10));
    program(made.programs, 'mv', `[ -e ${path}/held ] && : >${path}/beside; exec /bin/mv "$@"`);
    const ended = made[what](made.programs);
    expect(ended).toMatchObject({ status: 0 });
    expect(existsSync(join(path, 'beside'))).toBe(false);
    await new Promise((resolve) => (other.exitCode === null ? other.once('exit', resolve) : resolve(0)));
    made.place.remove();
  });
});

describe('a swap that is taken back by hand, in a shell that does not stop at errors', () => {
  it.each(['chown', 'chmod', 'rmdir'])('stops when %s fails, and is finished by a repeat', (name) => {
    const made = world({ inside: true });
    const before = seen(made);
    made.act();
    program(made.programs, name, 'exit 4');
    expect(made.byHand().status).not.toBe(0);
    rmSync(join(made.programs, name));
    expect(made.byHand().status).toBe(0);
    expect(seen(made)).toEqual(before);
    made.place.remove();
  });
});

describe('a swap onto a place that did not exist', () => {
  it('only moves incoming in, and the undo moves it out again', () => {
    const now = world({ inside: false, live: false });
    expect(now.input.liveInode).toBe('absent');
    expect(now.act()).toMatchObject({ status: 0 });
    expect(seen(now)).toMatchObject({ incoming: undefined, former: undefined });
    expect(seen(now).live).toHaveProperty('production');
    expect(now.undo()).toMatchObject({ status: 0 });
    expect(seen(now)).toMatchObject({ live: undefined, former: undefined });
    now.place.remove();
  });
});
