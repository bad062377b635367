import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import {
  authorizedKeysLine,
  authorizeUndo,
  AUTHORIZE_SCRIPT,
  markPattern,
} from '../../../src/contracts/files-serve.js';
import { program, scratch, sh } from './shell-run.js';

const CONTEXT = { migration: 'm.1', step: 'authorize', generation: '1', host: 'a' };
const OTHER = { ...CONTEXT, step: 'authorize-2' };
const KEY = 'ssh-ed25519 AAAAC3';

/** A home directory with the account's `.ssh` as a test wants it. */
function world() {
  const place = scratch();
  const home = join(place.path, 'home');
  const programs = join(place.path, 'bin');
  const state = join(place.path, 'state');
  for (const path of [home, programs, state]) mkdirSync(path);
  program(programs, 'getent', `echo "me:x:0:0::${home}:/bin/sh"`);
  const here = (text: string): string =>
    text.replaceAll('/var/lib/rehost/m.1', state).replaceAll('/var/lib/rehost', state);
  const keys = join(home, '.ssh', 'authorized_keys');
  const act = (context = CONTEXT, from?: string) => {
    const step = join(state, context.step);
    mkdirSync(step, { recursive: true });
    const line = authorizedKeysLine(context, {
      publicKey: KEY,
      asRoot: true,
      ...(from === undefined ? {} : { from }),
    });
    const args = [step, markPattern(context), userInfo().username, line, state];
    return { ...sh(AUTHORIZE_SCRIPT, { args, programs }), line };
  };
  const undo = (context = CONTEXT) => sh(here(authorizeUndo.shell(context).join('\n')), { programs });
  const byHand = () => sh(here(authorizeUndo.shell(CONTEXT).join('\n')), { programs, byHand: true });
  const write = (text: string, mode = 0o600): void => {
    mkdirSync(join(home, '.ssh'), { mode: 0o700, recursive: true });
    writeFileSync(keys, text);
    chmodSync(keys, mode);
  };
  return {
    place,
    home,
    keys,
    state,
    programs,
    act,
    undo,
    byHand,
    write,
    read: () => readFileSync(keys, 'utf8'),
  };
}

describe('authorized_keys', () => {
  let now: ReturnType<typeof world>;
  beforeEach(() => {
    now = world();
  });
  afterEach(() => now.place.remove());

  it.each([
    ['with other keys', '# mine\nssh-ed25519 AAA me@laptop\n'],
    ['without a last newline', 'ssh-ed25519 AAA me@laptop'],
    ['that is empty', ''],
    ['with blank lines at its end', 'ssh-ed25519 AAA me\n\n\n'],
    [
      'with a line that only looks like ours',
      'ssh-ed25519 AAA rehost:mx1:authorize\nssh-ed25519 B rehost:m.1:authorize-2x\n',
    ],
  ])('%s keeps its content, and has the same bytes after the undo', (_title, content) => {
    now.write(content, 0o640);
    const { line, status, stdout } = now.act();
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${now.keys}\n` });
    expect(now.read()).toBe(`${content}${content === '' || content.endsWith('\n') ? '' : '\n'}${line}\n`);
    expect(statSync(now.keys).mode & 0o777).toBe(0o640);
    expect(now.undo()).toMatchObject({ status: 0, stderr: '' });
    expect(now.read()).toBe(content);
    expect(statSync(now.keys).mode & 0o777).toBe(0o640);
    expect(now.undo()).toMatchObject({ status: 0 });
  });

  it('is made where there was none, and is gone again after the undo', () => {
    expect(now.act().status).toBe(0);
    expect(statSync(now.keys).mode & 0o777).toBe(0o600);
    expect(statSync(join(now.home, '.ssh')).mode & 0o777).toBe(0o700);
    expect(now.undo()).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(now.home, '.ssh'))).toBe(false);
  });

  it('has one line of ours after a repeat with the address', () => {
    now.write('ssh-ed25519 AAA me\n');
    now.act();
    const { line } = now.act(CONTEXT, '192.0.2.7');
    expect(now.read()).toBe(`ssh-ed25519 AAA me\n${line}\n`);
    now.undo();
    expect(now.read()).toBe('ssh-ed25519 AAA me\n');
  });

  it('keeps what others added meanwhile', () => {
    now.write('ssh-ed25519 AAA me');
    now.act();
    writeFileSync(now.keys, `${now.read()}ssh-ed25519 BBB colleague\n`);
    now.undo();
    expect(now.read()).toBe('ssh-ed25519 AAA me\nssh-ed25519 BBB colleague\n');
  });

  it('holds the lines of two trees, each undone alone, in either order', () => {
    now.write('ssh-ed25519 AAA me');
    now.act();
    const { line } = now.act(OTHER);
    now.undo();
    expect(now.read()).toBe(`ssh-ed25519 AAA me\n${line}\n`);
    now.undo(OTHER);
    expect(now.read().trimEnd()).toBe('ssh-ed25519 AAA me');
  });

  it('keeps every line when several migrations change it at once', () => {
    now.write('ssh-ed25519 AAA me\n');
    const steps = Array.from({ length: 12 }, (_one, at) => join(now.state, `step-${at}`));
    for (const step of steps) mkdirSync(step);
    const all = sh(
      'script=$1 account=$2 state=$3; shift 3; for step; do sh -eu -c "$script" rehost "$step" "mark:${step##*/}" "$account" "KEY mark:${step##*/}" "$state" & done; wait',
      { args: [AUTHORIZE_SCRIPT, userInfo().username, now.state, ...steps], programs: now.programs },
    );
    expect(all).toMatchObject({ status: 0, stderr: '' });
    expect(now.read().split('\n').sort()).toEqual(
      ['', 'ssh-ed25519 AAA me', ...steps.map((_step, at) => `KEY mark:step-${at}`)].sort(),
    );
  });

  it('stays a link when it is one', () => {
    now.write('');
    const real = join(now.home, 'real-keys');
    writeFileSync(real, 'ssh-ed25519 AAA me\n');
    symlinkSync(real, `${now.keys}.link`);
    sh('mv "$1.link" "$1"', { args: [now.keys] });
    const { line } = now.act();
    expect(readFileSync(real, 'utf8')).toBe(`ssh-ed25519 AAA me\n${line}\n`);
    now.undo();
    expect(readFileSync(real, 'utf8')).toBe('ssh-ed25519 AAA me\n');
    expect(sh('readlink "$1"', { args: [now.keys] }).stdout.trim()).toBe(real);
  });

  it.each(['sed', 'cp', 'cat', 'sync', 'flock'])(
    'keeps every key and the way back when an undo by hand cannot %s, as on a full disk',
    (name) => {
      const { place, programs, keys, act, write, read, byHand } = world();
      write('ssh-ed25519 OPERATOR me\n');
      act();
      const before = read();
      program(programs, name, 'exit 4');
      expect(byHand().status).not.toBe(0);
      expect(read()).toBe(before);
      rmSync(join(programs, name));
      expect(byHand().status).toBe(0);
      expect(readFileSync(keys, 'utf8')).toBe('ssh-ed25519 OPERATOR me\n');
      place.remove();
    },
  );

  it('is left alone by an undo of a step that never ran', () => {
    now.write('ssh-ed25519 AAA me');
    expect(now.undo()).toMatchObject({ status: 0 });
    expect(now.read()).toBe('ssh-ed25519 AAA me');
  });
});
