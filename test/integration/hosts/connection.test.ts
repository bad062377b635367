import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labExec, labPause, labUnpause, type Lab } from '../../../lab/lab.js';
import { createHosts, type HostConfig, type Hosts } from '../../../src/hosts/index.js';
import { configOf, connect, failureOf, until, up } from './lab-hosts.js';

jest.setTimeout(120_000);

let lab: Lab;
let hosts: Hosts;
let directory: string;
const opened: Hosts[] = [];
/** Hosts reached as given, closed after the test. */
const reach = (configs: readonly HostConfig[], sshConfigFile?: string): Hosts => {
  const made = createHosts(configs, sshConfigFile === undefined ? {} : { sshConfigFile });
  opened.push(made);
  return made;
};
const shellOf = (script: string): Promise<{ status: number; stdout: string; stderr: string }> =>
  labExec('ppm-source', ['sh', '-c', script]);
/** What is thrown by the first command on the source when it is reached with these changes. */
const refusedBy = async (change: Partial<HostConfig>): ReturnType<typeof failureOf> => {
  const { hostKey: _hostKey, ...config } = configOf(lab, 'ppm-source');
  const pinned = 'knownHostsFile' in change ? config : configOf(lab, 'ppm-source');
  return failureOf(
    reach([{ ...pinned, ...change }])
      .get('ppm-source')
      .run(['true']),
  );
};

beforeAll(async () => {
  lab = await up();
  hosts = connect(lab);
  directory = await mkdtemp(join(tmpdir(), 'rehost-hosts-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close()));
});
afterAll(async () => {
  await hosts.close();
  await rm(directory, { recursive: true });
});

describe('a connection', () => {
  it('is refused for a host key that nobody accepted, with its fingerprint and how to accept it', async () => {
    const failed = await refusedBy({ knownHostsFile: join(directory, 'none') });
    expect(failed.type).toBe('HostKeyUnknown');
    expect(failed.message).toContain(lab.hosts['ppm-source'].hostKey);
    expect(failed.hint).toContain(`hostKey: "${lab.hosts['ppm-source'].hostKey}"`);
    expect(failed.hint).toContain(`ssh-keyscan -p ${lab.hosts['ppm-source'].port} 127.0.0.1`);
  });

  it('is refused for a changed host key, with both fingerprints, pinned or in known_hosts', async () => {
    const other = lab.hosts['ppm-target'];
    const file = join(directory, 'changed');
    await writeFile(file, `[127.0.0.1]:${lab.hosts['ppm-source'].port} ${other.publicKey}\n`);
    for (const change of [{ hostKey: other.hostKey }, { knownHostsFile: file }]) {
      const failed = await refusedBy(change);
      expect(failed.type).toBe('HostKeyMismatch');
      expect(failed.message).toContain(lab.hosts['ppm-source'].hostKey);
      expect(failed.message).toContain(other.hostKey);
    }
  });

  it('is made with a key from known_hosts, and by an alias of the ssh configuration', async () => {
    const { hostKey: _hostKey, ...config } = configOf(lab, 'ppm-source');
    const known = reach([{ ...config, knownHostsFile: lab.knownHosts }]);
    expect(await known.get('ppm-source').hostKey()).toBe(lab.hosts['ppm-source'].hostKey);
    const file = join(directory, 'config');
    await writeFile(
      file,
      `Host the-alias\n  HostName 127.0.0.1\n  Port ${lab.hosts['ppm-source'].port}\n  User rehost\n  IdentityFile ${lab.identityFile}\n`,
    );
    const alias = reach([{ name: 'by-alias', address: 'the-alias', knownHostsFile: lab.knownHosts }], file);
    expect((await alias.get('by-alias').check(['id', '-un'], { as: 'login' })).trim()).toBe('rehost');
  });

  it('tells refused, denied and unreachable apart', async () => {
    expect(await refusedBy({ port: 1 })).toMatchObject({ type: 'SshRefused' });
    expect(await refusedBy({ user: 'nobody' })).toMatchObject({ type: 'SshDenied' });
    expect(await refusedBy({ address: 'no-such-host.invalid' })).toMatchObject({ type: 'SshUnreachable' });
    const messages = await Promise.all([
      refusedBy({ port: 1 }),
      refusedBy({ address: 'no-such-host.invalid' }),
    ]);
    expect(messages.map(({ message }) => message)).toEqual([
      'host ppm-source refused the connection: nothing listens on the port',
      'host ppm-source is unreachable: the name has no address',
    ]);
  });

  it('is not tried with an identity file that cannot be read', async () => {
    const file = join(directory, 'not-a-key');
    await writeFile(file, 'nonsense');
    const failed = await refusedBy({ identityFile: file });
    expect(failed.type).toBe('IdentityFileUnreadable');
    expect(failed.message).toContain(file);
  });

  it('is unreachable within 15 s when the host is frozen, lost within 30 s when it freezes, and made again after it', async () => {
    const source = hosts.get('ppm-source');
    await source.run(['true']);
    const running = failureOf(source.run(['sleep', '100'], { timeoutMs: 100_000 }));
    await labPause('ppm-source');
    const startedAt = Date.now();
    try {
      expect(await refusedBy({})).toMatchObject({ type: 'SshUnreachable' });
      expect(Date.now() - startedAt).toBeLessThan(15_000);
      expect(await running).toMatchObject({ type: 'ConnectionLost' });
      expect(Date.now() - startedAt).toBeLessThan(30_000);
    } finally {
      await labUnpause('ppm-source');
    }
    expect(await source.check(['echo', 'again'])).toBe('again\n');
  });

  it('passes a jump host, and waits for its turn where sshd allows one session at a time', async () => {
    await shellOf(
      '/usr/sbin/sshd -o Port=2222 -o ListenAddress=127.0.0.1 -o MaxSessions=1 -o PidFile=/run/sshd-2222.pid',
    );
    const source = configOf(lab, 'ppm-source');
    const behind = { ...source, name: 'behind', port: 2222, jumpHost: 'ppm-source' };
    const host = reach([source, behind]).get('behind');
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => host.check(['sh', '-c', `sleep 0.1; echo ${n}`])),
    );
    await shellOf('kill $(cat /run/sshd-2222.pid)');
    expect(answers.join('')).toBe('1\n2\n3\n4\n5\n');
  });

  it('cannot be asked for a host that the inventory lacks; the nearest name is told', () => {
    expect(() => hosts.get('pmp-source')).toThrow('the nearest name is "ppm-source"');
  });
});

describe('commands', () => {
  it('run 40 at once over one connection', async () => {
    const source = hosts.get('ppm-source');
    const numbers = Array.from({ length: 40 }, (_, index) => String(index));
    const answers = await Promise.all(
      numbers.map((n) => source.check(['sh', '-c', 'sleep 0.05; echo "$1"', 'x', n])),
    );
    expect(answers.map((answer) => answer.trim())).toEqual(numbers);
  });

  it('get their words, stdin and locale unchanged through shell and sudo', async () => {
    const words = [
      "it's",
      '$(id)',
      '`id`',
      'a b',
      '',
      '-n',
      '*',
      '"',
      '\\',
      'line\nbreak',
      'é漢',
      '!x',
      '~',
      '#',
    ];
    const answer = await hosts
      .get('ppm-source')
      .script('for word; do printf "%s\\0" "$word"; done; cat', words, { stdin: 'in\0put' });
    expect(answer).toBe([...words, 'in\0put'].join('\0'));
    expect((await hosts.get('ppm-source').check(['sh', '-c', 'id -u; echo $LC_ALL'])).trim()).toBe(
      '0\nC.UTF-8',
    );
  });

  it('end in one of three ways, told apart', async () => {
    const source = hosts.get('ppm-source');
    expect((await source.run(['sh', '-c', 'exit 3'])).end).toEqual({ kind: 'exited', exitStatus: 3 });
    expect((await source.run(['sh', '-c', 'kill -9 $$'])).end).toEqual({
      kind: 'killed',
      exitSignal: 'SIGKILL',
    });
    const failed = await failureOf(source.check(['sh', '-c', 'echo evidence >&2; exit 4']));
    expect(failed).toMatchObject({ type: 'CommandFailed', message: 'sh on host ppm-source exited 4' });
    expect(failed.detail).toContain('evidence');
  });

  it('are ended on the host when their time is over, also when they ignore TERM', async () => {
    const slow = hosts
      .get('ppm-source')
      .run(['sh', '-c', "trap '' TERM; sleep 4751; sleep 4751"], { timeoutMs: 1_000 });
    expect(await failureOf(slow)).toMatchObject({ type: 'CommandTimedOut' });
    expect((await shellOf('pgrep -f "sleep 475[1]"')).stdout).toBe('');
  });

  it('are given up when they cannot be killed, and so is their session', async () => {
    const host = reach([configOf(lab, 'ppm-source')]).get('ppm-source');
    // A stopped `timeout` neither ends the command nor goes: sshd then confirms the end of no such channel.
    const stuck = Array.from({ length: 8 }, () =>
      failureOf(host.run(['sh', '-c', 'kill -STOP $PPID; exec sleep 4771'], { timeoutMs: 1_000 })),
    );
    try {
      for (const failed of await Promise.all(stuck)) expect(failed.type).toBe('CommandTimedOut');
      expect(await host.check(['echo', 'more'])).toBe('more\n');
    } finally {
      await shellOf('pkill -KILL -f "sleep 4771"');
    }
  });

  it('stop being waited for when their signal is aborted, and end on the host at the latest when their time is over', async () => {
    const controller = new AbortController();
    const waiting = hosts
      .get('ppm-source')
      .run(['sleep', '4761'], { timeoutMs: 2_000, signal: controller.signal });
    await until('it runs', async () => (await shellOf('pgrep -f "^sleep 4761"')).status === 0);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await until('it has ended', async () => (await shellOf('pgrep -f "^sleep 4761"')).status !== 0);
  });

  it('fail when they print more than may be kept, never with cut data', async () => {
    const failed = await failureOf(hosts.get('ppm-source').run(['head', '-c', '5000000', '/dev/zero']));
    expect(failed.message).toContain('printed more than 1048576 bytes to stdout');
  });

  it('are told from the noise of rc files, and from a sudo that asks for a password', async () => {
    await shellOf(
      'useradd -m -s /bin/bash noisy; mkdir -m 700 ~noisy/.ssh; cp ~rehost/.ssh/authorized_keys ~noisy/.ssh/; chown -R noisy: ~noisy/.ssh; echo "echo noise; echo noise >&2" >~noisy/.bashrc',
    );
    const host = reach([{ ...configOf(lab, 'ppm-source'), user: 'noisy' }]).get('ppm-source');
    try {
      expect(await host.check(['echo', 'word'], { as: 'login' })).toBe('word\n');
      const failed = await failureOf(host.run(['true']));
      expect(failed.type).toBe('SudoMissing');
      expect(failed.message).toBe('noisy may not become root on host ppm-source without a password');
      expect(failed.hint).toContain('rehost doctor');
      await shellOf("sed -i '/^noisy:/s#/bin/bash#/usr/sbin/nologin#' /etc/passwd");
      // A new connection: sshd looks the shell up at the log-in.
      const anew = reach([{ ...configOf(lab, 'ppm-source'), user: 'noisy' }]).get('ppm-source');
      expect((await failureOf(anew.run(['true'], { as: 'login' }))).message).toContain(
        'log-in shell of noisy',
      );
    } finally {
      await shellOf('userdel -r noisy');
    }
  });

  it('say SudoMissing where there is no sudo', async () => {
    await shellOf('mv /usr/bin/sudo /usr/bin/sudo.away');
    try {
      expect(await failureOf(hosts.get('ppm-source').run(['true']))).toMatchObject({ type: 'SudoMissing' });
    } finally {
      await shellOf('mv /usr/bin/sudo.away /usr/bin/sudo');
    }
  });
});

describe('requests', () => {
  const serve = `import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow': time.sleep(30)
        body = b'y' * 1000000 if self.path == '/big' else self.headers['X-Word'].encode()
        self.send_response(200); self.send_header('X-Answer', 'yes'); self.end_headers(); self.wfile.write(body)
http.server.ThreadingHTTPServer(('127.0.0.1', 8099), Handler).serve_forever()`;
  beforeAll(async () => {
    await labExec('ppm-source', ['systemd-run', '--quiet', '--unit=test-http', 'python3', '-c', serve]);
    await until('it listens', async () => (await shellOf('ss -ltn | grep -q :8099')).status === 0);
  });
  afterAll(() => shellOf('systemctl stop test-http; systemctl reset-failed test-http'));

  it('reach the loopback of the host and hash the whole body', async () => {
    const source = hosts.get('ppm-source');
    const answer = await source.request({ port: 8099, path: '/', headers: { 'x-word': 'hello' } });
    expect(answer).toMatchObject({ status: 200, text: 'hello', bytes: 5 });
    expect(answer.headers['x-answer']).toBe('yes');
    const big = await source.request({ port: 8099, path: '/big', keepBytes: 10 });
    expect(big).toMatchObject({ bytes: 1_000_000, text: 'yyyyyyyyyy' });
    expect(big.sha256).toBe('29db38f631ce8382c4cf5e52db4fc5b4c031f088a069275950ce63a3159a2c92');
  });

  it('say that nothing listens, that it takes too long, and that it is no HTTP', async () => {
    const source = hosts.get('ppm-source');
    const closed = await failureOf(source.request({ port: 8098, path: '/' }));
    expect(closed).toMatchObject({
      type: 'ProductAnswersWrong',
      message: 'nothing listens on port 8098 of host ppm-source',
    });
    expect(await failureOf(source.request({ port: 8099, path: '/slow', timeoutMs: 300 }))).toMatchObject({
      type: 'CommandTimedOut',
    });
    expect(await failureOf(source.request({ port: 22, path: '/' }))).toMatchObject({
      type: 'ProductAnswersWrong',
    });
  });
});
