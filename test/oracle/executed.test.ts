import {
  changingCommands,
  explain,
  parseExecuted,
  printAllowList,
  printCommands,
  unexplained,
  type Previewed,
} from './index.js';
import { shellEffects } from './shell-text.js';

/** A record as the lab's hosts write it. */
const record = (text: string, group = '/system.slice/ssh.service'): string =>
  `1795217617 uid=0 pid=409 ppid=408 cg1=9:name=systemd:/ cg2=0::${group} cwd=/home/a b exe=/usr/bin/x -- ${text}`;
const changing = (...texts: readonly string[]): readonly string[] =>
  changingCommands(texts.map((text) => record(text))).map(({ text }) => text);
const command = (...argv: readonly string[]): Previewed => ({ kind: 'command', host: 'h', argv });
const write = (path: string, mode = '0600'): Previewed => ({ kind: 'write', host: 'h', path, mode });
const left = (texts: readonly string[], previewed: readonly Previewed[]): readonly string[] =>
  unexplained(changingCommands(texts.map((text) => record(text))), previewed, 'h').map(({ text }) => text);

describe('parseExecuted', () => {
  it('joins the lines of a command that holds line ends and keeps its fields', () => {
    const [first, second, ...more] = parseExecuted([
      ...record('sh -c mkdir a\nrmdir a').split('\n'),
      record('ls /'),
    ]);
    expect(first).toMatchObject({ program: 'sh', text: 'sh -c mkdir a\nrmdir a', truncated: false });
    expect(first?.fields).toMatchObject({ uid: '0', ppid: '408', cwd: '/home/a b', exe: '/usr/bin/x' });
    expect(second).toMatchObject({ program: 'ls', words: ['/'] });
    expect(more).toEqual([]);
  });

  it("reads snoopy's own format", () => {
    const line = '[login:root ssh:() sid:1 tty:(none) (0/root) uid:root(0)/root(0) cwd:/root]: rm -rf /x';
    expect(parseExecuted([line]).map(({ text }) => text)).toEqual(['rm -rf /x']);
  });

  it('knows that snoopy cut a long command', () => {
    const text = `rm ${'x'.repeat(3000)}`.slice(0, 2047);
    expect(parseExecuted([record(text)])[0]?.truncated).toBe(true);
  });
});

describe('changingCommands', () => {
  it.each([
    'cat /etc/passwd',
    'find / -name x -print0',
    'systemctl show -p ActiveState rstudio-pm',
    'systemctl --no-pager is-active x',
    'sqlite3 -readonly /x .dump',
    'curl -s http://127.0.0.1:4242/',
    'sed -n 1,5p /x',
    'rsync --server --sender -logDtpre.iLsfxCIvu . /srv/',
    '/opt/rstudio-pm/bin/rspm --version',
    '/opt/rstudio-pm/bin/rspm -o json list repos',
    'timeout -k 5 60 stat /x',
    'ssh-keygen -l -f /x',
    'date +%s',
    'sudo -n -- timeout -k 5 60 rm x',
    '-bash',
    'sh -c cat /x 2>/dev/null; echo "a > b" >&2',
    'sudo -l -n',
    'flock 9',
    'flock -x -n 9',
  ])('passes over %s', (text) => {
    expect(changing(text)).toEqual([]);
  });

  it.each([
    ['rm -f /x'],
    ['find / -name x -delete'],
    ['systemctl stop x'],
    ['systemctl -p x stop x'],
    ['sqlite3 /x .dump'],
    ['curl -X POST http://127.0.0.1/'],
    ['curl -o /etc/x http://127.0.0.1/'],
    ['sed -i s/a/b/ /x'],
    ['rsync -a --remove-source-files --server --sender . /x'],
    ['rsync -a /a/ /b/'],
    ['/opt/rstudio-pm/bin/rspm evict --type=clear'],
    ['ssh-keygen -q -t ed25519 -f /x'],
    ['date -s yesterday'],
    ['python3 x.py'],
    ['sudo -e /etc/x'],
    ['systemd-run --scope rm /x'],
    ['tee /x'],
    ['sh /etc/cron.daily/x'],
    ['awk {print > "/x"}'],
    ['sort -o /x /x'],
  ])('counts %s', (text) => {
    expect(changing(text)).toEqual([text]);
  });

  it.each([
    ['timeout -k 5 60 mv /a /b', ['mv /a /b']],
    ['env LC_ALL=C nice -n 10 ionice -c 3 rsync -a /a /b', ['rsync -a /a /b']],
    ['flock -n /lock rm /x', ['rm /x']],
    ['xargs -0 -r rm -f --', ['rm -f --']],
    ['timeout 60 sh -eu -c printf x > /etc/motd rehost', ['> /etc/motd']],
    ['sh -c echo x >> "$1"; kill -9 "$2"; kill -0 7 rehost /etc/motd 5', ['> $1', 'kill -9 "$2"']],
  ])('judges what follows in %s, because snoopy does not see it', (text, wanted) => {
    expect(changing(text)).toEqual(wanted);
  });

  it("leaves out what systemd, the product and the lab's own way in did, by the control group", () => {
    const groups = [
      '/system.slice/rstudio-pm.service',
      '/',
      '/system.slice/logrotate.service',
      '/system.slice/rehost-lab-seed.service',
    ];
    expect(changingCommands(groups.map((group) => record('rm /x', group)))).toEqual([]);
    const ours = [
      '/system.slice/ssh.service',
      '/user.slice/user-1000.slice/session-3.scope',
      '/system.slice/rehost-m-final-g1.service',
      '/system.slice/run-u7.service',
    ];
    expect(changingCommands(ours.map((group) => record('rm /x', group)))).toHaveLength(4);
    expect(changingCommands(['1 uid=0 pid=1 ppid=1 cwd=/ exe=/bin/rm -- rm /x'])).toHaveLength(1);
  });
});

describe('shellEffects', () => {
  it.each([
    ['cat a >b', ['b']],
    ['cat a 2>/dev/null 2>&1 >&2', []],
    [`printf '%s > x' "a > b" # c > d`, []],
    ['x="$(cat a > b)"', ['b']],
    ['cat <<END >/etc/x\na > b\nEND\necho >>y', ['/etc/x', 'y']],
    ['[ $((3 > 2)) = 1 ] && : >|"$dir/a b"', ['$dir/a b']],
    ["echo >'a b'; exec 3>lock", ['a b', 'lock']],
  ])('finds what %j writes', (text, writes) => {
    expect(shellEffects(text).writes).toEqual(writes);
  });
});

describe('unexplained', () => {
  it('matches placeholders, whole or within a word, and programs by their base name', () => {
    const previewed = [
      command('mv', '-T', '/srv/.rehost-<migration>-incoming-data', '/srv/data'),
      command('sudo', '-n', '--', 'timeout', '-k', '5', '60', 'systemctl', 'stop', 'rstudio-pm.service'),
      command('rsync', '<anything>', '/srv/data'),
      command('cp', '-p', '--', '<home>/.ssh/authorized_keys', '/var/lib/rehost/<migration>/<step>/before'),
    ];
    const texts = [
      'mv -T /srv/.rehost-ppm-20260101-ab12-incoming-data /srv/data',
      '/usr/bin/systemctl stop rstudio-pm.service',
      'rsync -a --delete --exclude=/*.lic h:/x /srv/data',
      'cp -p -- /home/rehost/.ssh/authorized_keys /var/lib/rehost/m/serve/before',
    ];
    expect(left(texts, previewed)).toEqual([]);
    expect(explain(changingCommands(texts.map((text) => record(text))), previewed, 'h').unused).toEqual([]);
  });

  it.each([0, 1])('names the command when preview %i is taken away', (gone) => {
    const previewed = [command('rm', '-f', '/a'), command('systemctl', 'stop', 'x')];
    const texts = ['rm -f /a', 'systemctl stop x'];
    expect(left(texts, previewed)).toEqual([]);
    expect(
      left(
        texts,
        previewed.filter((_, index) => index !== gone),
      ),
    ).toEqual([texts[gone]]);
  });

  it.each([
    ['rm -f /a /b', command('rm', '-f', '/a')],
    ['rm -f /b', command('rm', '-f', '/a')],
    ['rm -rf /etc /srv/x', command('rm', '-rf', '<path>')],
    [
      'mv -T /srv/.rehost-a b-incoming /srv/data',
      command('mv', '-T', '/srv/.rehost-<migration>-incoming', '/srv/data'),
    ],
    ['rm -f /a', { kind: 'command' as const, host: 'other', argv: ['rm', '-f', '/a'] }],
  ])('does not let %s pass for another preview', (text, previewed) => {
    expect(left([text], [previewed])).toEqual([text]);
  });

  it('covers making, filling, protecting and renaming a previewed file, and nothing else', () => {
    const previewed = [write('/var/lib/rehost/<migration>/UNDO.md', '0600')];
    const dir = '/var/lib/rehost/m-1';
    const script = 'sh -eu -c umask 077; cat > "$1.tmp" rehost /var/lib/rehost/m-1/UNDO.md';
    const texts = [
      `mkdir -p -m 0700 ${dir}`,
      `mktemp ${dir}/.UNDO.md.XXXXXX`,
      script,
      `chmod 0600 ${dir}/.UNDO.md.abc`,
      `sync ${dir}/.UNDO.md.abc`,
      `mv -f -T ${dir}/.UNDO.md.abc ${dir}/UNDO.md`,
      `sync ${dir}`,
      `rm -f ${dir}/.UNDO.md.abc`,
    ];
    expect(left(texts, previewed)).toEqual([]);
    const foreign = [
      `chmod 0644 ${dir}/.UNDO.md.abc`,
      `rm -f ${dir}/UNDO.md`,
      `mv -f /etc/x ${dir}/UNDO.md`,
      `mkdir -p ${dir}/x`,
      `mktemp /tmp/x.XXX`,
    ];
    expect(left(foreign, previewed)).toEqual(foreign);
    expect(left(['sh -c cat > "$1" rehost /etc/motd', 'sh -c : >/etc/motd'], previewed)).toEqual([
      '> $1',
      '> /etc/motd',
    ]);
  });

  it('matches a command that snoopy cut by its beginning, and only by that', () => {
    const argv = ['rm', '-f', ...Array.from({ length: 300 }, (_, index) => `/srv/data/file-${index}`)];
    const text = argv.join(' ').slice(0, 2047);
    expect(left([text], [command(...argv)])).toEqual([]);
    expect(left([text], [command(...argv.map((word) => word.replace('file-9', 'other')))])).toEqual([text]);
  });

  it('matches the command that xargs completes from its stdin', () => {
    expect(
      left(['xargs -0 -r chown rstudio-pm --'], [command('chown', 'rstudio-pm', '--', '<anything>')]),
    ).toEqual([]);
    expect(left(['xargs -0 -r rm --'], [command('chown', 'rstudio-pm', '--', '<anything>')])).toEqual([
      'rm --',
    ]);
  });
});

describe('printed lists', () => {
  it('name every rule with its reason, and the shell that a redirection stood in', () => {
    expect(printAllowList()).toMatch(/systemctl \[show, status.*\]: asks systemd/);
    expect(printAllowList()).toMatch(/timeout env .*: the command that follows is judged instead/);
    expect(printCommands(changingCommands([record('sh -c echo >/x')]))).toBe('> /x   (in: sh -c echo >/x)');
  });
});
