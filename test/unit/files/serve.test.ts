import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authorizedKeysLine, serveScript } from '../../../src/contracts/files-serve.js';
import { program, scratch } from './shell-run.js';

const ASKED =
  'rsync --server --sender -lHogDtpAXrSe.LsfxCIvu --timeout=120 --bwlimit=80000 --numeric-ids . tree/';

describe('the forced command', () => {
  const place = scratch();
  const tree = join(place.path, "tree with ' and $(touch pwned)");
  const programs = join(place.path, 'bin');
  const script = join(place.path, 'serve-tree');
  beforeAll(() => {
    mkdirSync(tree);
    mkdirSync(programs);
    // Answers the arguments one a line: what a real rsync would be given.
    program(programs, 'rsync', `printf '%s\\n' "$@" > ${place.path}/called`);
    // The script sets PATH itself, so the fake is put in front of what it sets.
    writeFileSync(script, serveScript(tree).replace('PATH=', `PATH=${programs}:`));
  });
  afterAll(() => place.remove());

  const serve = (asked: string) => {
    writeFileSync(join(place.path, 'called'), 'nothing was called');
    const run = spawnSync('sh', [script, asked, '192.0.2.7 4711 192.0.2.1 22'], {
      encoding: 'utf8',
      cwd: place.path,
    });
    return {
      status: run.status,
      stdout: run.stdout,
      called: readFileSync(join(place.path, 'called'), 'utf8'),
    };
  };

  it('runs the sender on its one tree when rehost pulls', () => {
    expect(serve(ASKED)).toMatchObject({
      status: 0,
      called: [
        '--server',
        '--sender',
        '-lHogDtpAXrSe.LsfxCIvu',
        '--timeout=120',
        '--bwlimit=80000',
        '--numeric-ids',
        '.',
        `${tree}/`,
        '',
      ].join('\n'),
    });
  });

  it('ignores the path that the client asks for', () => {
    for (const path of ['/etc', '../../etc', '/etc/shadow /root', '$(id)', '; id', '-e id']) {
      expect(serve(`rsync --server --sender -lr . ${path}`).called).toBe(
        `--server\n--sender\n-lr\n.\n${tree}/\n`,
      );
    }
  });

  it('answers the address that sshd sees', () => {
    expect(serve('address')).toMatchObject({
      status: 0,
      stdout: '192.0.2.7\n',
      called: 'nothing was called',
    });
  });

  it.each([
    '',
    'id',
    'sh -c id',
    'rsync',
    'rsync --server -lr . tree/',
    'rsync --server --receiver -lr . tree/',
    'rsync --server --sender',
    'rsync --server --sender -lr',
    'rsync --server --sender -lr tree/',
    'rsync --server --sender -lrs . tree/',
    'rsync --server --sender -lLr . tree/',
    'rsync --server --sender -lr -lr . tree/',
    'rsync --server --sender - . tree/',
    'rsync --server --sender -e.iLs;id . tree/',
    'rsync --server --sender -lre/bin/sh . tree/',
    'rsync --server --sender -lrewhoami . tree/',
    'rsync --server --sender -lr --remove-source-files . tree/',
    'rsync --server --sender -lr --log-file=/etc/cron.d/x . tree/',
    'rsync --server --sender -lr --files-from=/etc/shadow . tree/',
    'rsync --server --sender -lr --bwlimit=$(id) . tree/',
    'rsync --server --sender -lr --timeout= . tree/',
    'rsync --server --sender -lr --rsh=id . tree/',
    'rsync --server --sender -lr `id` . tree/',
    'rsync --server --sender -lr ;id . tree/',
    'rsync --server --sender -lr\nid\n. tree/',
    'rsync\t--server --sender -lr . tree/',
    'rsync --server --sender -lr * . tree/',
    '/usr/bin/rsync --server --sender -lr . tree/',
    'address; id',
  ])('refuses %j and calls nothing', (asked) => {
    expect(serve(asked)).toMatchObject({ status: 77, called: 'nothing was called' });
  });

  it('refuses when the tree is gone instead of serving what is around it', () => {
    writeFileSync(script, serveScript('/nonexistent/tree').replace('PATH=', `PATH=${programs}:`));
    expect(serve(ASKED)).toMatchObject({ status: 77, called: 'nothing was called' });
  });
});

describe('the line for authorized_keys', () => {
  const context = { migration: 'm-1', step: 'authorize', generation: '1', host: 'a' };
  const publicKey = 'ssh-ed25519 AAAAC3';

  it('restricts the key to an address and the forced command, and carries the mark', () => {
    expect(authorizedKeysLine(context, { publicKey, asRoot: false, from: '192.0.2.7' })).toBe(
      String.raw`restrict,from="192.0.2.7",command="sudo -n /bin/sh /var/lib/rehost/m-1/authorize/serve-tree \"$SSH_ORIGINAL_COMMAND\" \"$SSH_CONNECTION\"" ssh-ed25519 AAAAC3 rehost:m-1:authorize`,
    );
  });

  it('needs no sudo where the account is root', () => {
    expect(authorizedKeysLine(context, { publicKey, asRoot: true })).toContain('restrict,command="/bin/sh ');
  });
});
