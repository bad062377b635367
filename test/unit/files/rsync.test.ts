import { RETRIED_STATUSES, rsyncArgv, rsyncExit, rsyncWholeArgv } from '../../../src/formats/rsync.js';

const PULL = {
  sshConfig: '/var/lib/rehost/m/copy/ssh-config',
  alias: 'rehost-source',
  incoming: '/srv/.rehost-m-incoming-data',
  owners: 'name',
  excludes: ['/cache', '/*.lic'],
} as const;

describe('exit statuses of rsync', () => {
  it.each([
    [0, 'done'],
    [11, 'disk-or-file'],
    [12, 'retry'],
    [20, 'retry'],
    [23, 'partial'],
    [24, 'vanished'],
    [30, 'retry'],
    [255, 'retry'],
    [1, 'final'],
    [99, 'final'],
  ])('%d is %s', (status, verdict) => {
    expect(rsyncExit(status).verdict).toBe(verdict);
  });

  it('are quoted in the words of the manual', () => {
    expect(rsyncExit(24).documented).toBe('Partial transfer due to vanished source files');
    expect(rsyncExit(11).documented).toBe('Error in file I/O');
  });

  it('are retried only where the link broke or the other end was ended', () => {
    expect(RETRIED_STATUSES).toEqual([5, 10, 12, 20, 30, 35, 255]);
  });
});

describe('the pull', () => {
  it('keeps links, access lists, attributes and holes, and compares nanoseconds', () => {
    const argv = rsyncArgv(PULL);
    expect(argv).toEqual(
      expect.arrayContaining([
        '--archive',
        '--hard-links',
        '--acls',
        '--xattrs',
        '--sparse',
        '--delete',
        '--modify-window=-1',
      ]),
    );
    expect(argv).not.toContain('--numeric-ids');
    expect(argv.slice(-4)).toEqual([
      '-e',
      'ssh -F /var/lib/rehost/m/copy/ssh-config',
      'rehost-source:tree/',
      '/srv/.rehost-m-incoming-data/',
    ]);
  });

  it('takes numbers of owners and a limit in KiB when asked', () => {
    const argv = rsyncArgv({ ...PULL, owners: 'numeric', limitBytesPerSecond: 80 * 1024 * 1024 });
    expect(argv).toEqual(expect.arrayContaining(['--numeric-ids', '--bwlimit=81920']));
  });

  it('never asks for no limit when a small one was meant', () => {
    expect(rsyncArgv({ ...PULL, limitBytesPerSecond: 100 })).toContain('--bwlimit=1');
  });

  it('reads some directories whole and leaves all others alone', () => {
    const argv = rsyncWholeArgv(PULL, ['/a/db', '/a/usage']);
    const filters = argv.filter((word) => word.startsWith('--include') || word.startsWith('--exclude'));
    expect(argv[1]).toBe('--ignore-times');
    expect(filters).toEqual([
      '--exclude=/cache',
      '--exclude=/*.lic',
      '--include=/a/',
      '--include=/a/db/',
      '--include=/a/db/**',
      '--include=/a/usage/',
      '--include=/a/usage/**',
      '--exclude=*',
    ]);
  });
});
