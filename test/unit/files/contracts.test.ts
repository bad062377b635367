import type { Contract } from '../../../src/contracts/contract.js';
import { filesContracts } from '../../../src/contracts/files.js';
import { absolutePath, anchoredPattern, landingOf } from '../../../src/contracts/files-landing.js';
import { sqliteContracts } from '../../../src/contracts/sqlite.js';

const CONTEXT = { migration: '<migration>', step: 'step', generation: '<generation>', host: 'ppm-target' };

/** Inputs as `plan` previews them: what only a run knows is a text in angle brackets. */
const PREVIEWED: Readonly<Record<string, Record<string, unknown>>> = {
  'files.pullKey@1': {},
  'files.authorize@1': {
    tree: 'data',
    path: '/srv/data',
    publicKey: '<pull-key.publicKey>',
    target: 'ppm-target',
    keyStep: 'pull-key',
  },
  'files.copy@1': {
    tree: 'data',
    source: 'ppm-source',
    sourcePath: '/srv/data',
    targetPath: '/srv/data',
    pass: 'final',
    owners: 'name',
    excludes: ['/cache'],
    alwaysWhole: ['/db'],
    keyStep: 'pull-key',
  },
  'files.manifest@1': {
    root: '<final-copy.incoming>',
    label: 'data',
    excludes: '<facts.excludes>',
    owners: 'name',
  },
  'files.compare@1': {
    tree: 'data',
    source: { host: 'a', path: '<m.path>', digest: '<m.digest>' },
    target: '<x>',
  },
  'files.swapFacts@1': { targetPath: '/srv/data' },
  'files.swap@1': {
    targetPath: '/srv/data',
    liveInode: '<facts.liveInode>',
    incomingInode: '<facts.incomingInode>',
  },
  'files.carry@1': { targetPath: '/srv/data', patterns: '<facts.patterns>' },
  'files.space@1': { checks: '<facts.checks>' },
  'files.discard@1': {
    trees: [{ tree: 'data', targetPath: '/srv/data' }],
    keySteps: ['pull-key'],
    authorizeSteps: ['authorize'],
  },
  'sqlite.verify@1': { tree: 'data', targetPath: '/srv/data', files: '<facts.files>' },
};
const contracts: Readonly<Record<string, Contract>> = { ...filesContracts, ...sqliteContracts };

describe('contracts of files', () => {
  it('are all previewed here', () => {
    expect(Object.keys(PREVIEWED).sort()).toEqual(Object.keys(contracts).sort());
  });

  it.each(Object.keys(contracts))('%s is previewed while references are still texts', (name) => {
    const contract = contracts[name];
    const effects = contract?.effects(PREVIEWED[name], CONTEXT) ?? [];
    const undone = contract?.undo?.effects(PREVIEWED[name], CONTEXT) ?? [];
    expect(effects.length > 0).toBe(contract?.readOnly === false);
    for (const effect of [...effects, ...undone]) {
      const words = effect.kind === 'command' ? effect.argv : [effect.path, effect.mode];
      expect(words.every((word) => typeof word === 'string' && word !== 'undefined')).toBe(true);
    }
  });
});

describe('places', () => {
  it('are beside the live directory, or inside it when it is a mount point', () => {
    expect(landingOf({ targetPath: '/srv/data' }, 'm')).toMatchObject({
      incoming: '/srv/.rehost-m-incoming-data',
      former: '/srv/.rehost-m-former-data',
    });
    expect(landingOf({ targetPath: '/srv/data', inside: true }, 'm')).toMatchObject({
      incoming: '/srv/data/.rehost-m-incoming',
      former: '/srv/data/.rehost-m-former',
    });
  });

  it.each(['', '/', 'srv', '/srv/', '/srv//x', '/srv/../etc', '/srv/.', '/a\nb'])(
    'refuse the path %j',
    (path) => {
      expect(absolutePath.safeParse(path).success).toBe(false);
    },
  );

  it.each(['cache', '/', '/a/**', '/[ab]', '/a/../b', '/a/', '**/verify', String.raw`/a\b`])(
    'refuse the pattern %j',
    (pattern) => {
      expect(anchoredPattern.safeParse(pattern).success).toBe(false);
    },
  );
});
