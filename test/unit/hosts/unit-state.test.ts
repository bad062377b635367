import { unitStatus, parsePoll, type UnitObservation } from '../../../src/hosts/unit-state.js';
import { unitPlace, UNIT_NAME_LIMIT, type UnitSpec } from '../../../src/hosts/unit-spec.js';

const HASH = 'a'.repeat(64);
const gone = {
  loadState: 'not-found',
  activeState: 'inactive',
  subState: 'dead',
  result: 'success',
  execMainStatus: 0,
  invocationId: '',
};
const running = {
  ...gone,
  loadState: 'loaded',
  activeState: 'active',
  subState: 'running',
  invocationId: 'i1',
};
const exited = { ...running, subState: 'exited' };
const failed = {
  ...running,
  activeState: 'failed',
  subState: 'failed',
  result: 'oom-kill',
  execMainStatus: 9,
};
const inactive = { ...gone, loadState: 'loaded' };
const exit = { exitStatus: 3, spec: HASH, invocationId: 'i1', startedAt: 's', endedAt: 'e', durationMs: 5 };
const finished = {
  kind: 'finished',
  exitStatus: 3,
  invocationId: 'i1',
  startedAt: 's',
  endedAt: 'e',
  durationMs: 5,
};
const here = { boot: 'b1' };
const earlier = { boot: 'b0' };

type Rest = Partial<UnitObservation>;
const observe = (unit: Rest, rest: Rest): UnitObservation => ({
  ...gone,
  stopped: false,
  boot: 'b1',
  ...unit,
  ...rest,
});

describe('unitStatus', () => {
  it.each<[string, Rest, Rest, object]>([
    ['a record', gone, { started: here, exit }, finished],
    ['a record from before a restart', gone, { started: earlier, exit }, finished],
    ['a record while systemd still runs the program', running, { started: here, exit }, finished],
    ['a record beside a failed unit', failed, { started: here, exit }, finished],
    ['a record of a unit that was stopped too late', gone, { started: here, exit, stopped: true }, finished],
    [
      'a record of other content',
      gone,
      { started: here, exit: { ...exit, spec: 'b' } },
      { kind: 'conflict', wanted: HASH, found: 'b' },
    ],
    [
      'other content without a record',
      running,
      { spec: 'b', started: here },
      { kind: 'conflict', wanted: HASH, found: 'b' },
    ],
    ['a running unit', running, { spec: HASH, started: here }, { kind: 'running', invocationId: 'i1' }],
    [
      'a unit that systemd has begun but that has not written anything',
      running,
      { spec: HASH },
      { kind: 'running', invocationId: 'i1' },
    ],
    [
      'a unit that is being stopped',
      { ...running, activeState: 'deactivating', subState: 'stop-sigterm' },
      { started: here, stopped: true },
      { kind: 'running', invocationId: 'i1' },
    ],
    [
      'no record beside an exited unit',
      exited,
      { started: here },
      { kind: 'failed', result: 'success', execMainStatus: 0 },
    ],
    [
      'no record beside a failed unit',
      failed,
      { started: here },
      { kind: 'failed', result: 'oom-kill', execMainStatus: 9 },
    ],
    [
      'a unit that failed before its program began',
      failed,
      {},
      { kind: 'failed', result: 'oom-kill', execMainStatus: 9 },
    ],
    ['no record and no unit in the same boot', gone, { started: here }, { kind: 'lost', reason: 'killed' }],
    ['no record and an inactive unit', inactive, { started: here }, { kind: 'lost', reason: 'killed' }],
    [
      'no record and no unit after a restart',
      gone,
      { started: earlier },
      { kind: 'lost', reason: 'host-restarted' },
    ],
    [
      'a late start of the same name after a restart',
      exited,
      { started: earlier },
      { kind: 'lost', reason: 'host-restarted' },
    ],
    [
      'a start record that was lost with the power',
      gone,
      { started: { boot: '' } },
      { kind: 'lost', reason: 'host-restarted' },
    ],
    ['nothing at all', gone, {}, { kind: 'not-started' }],
    ['files that were prepared but not started', gone, { spec: HASH }, { kind: 'not-started' }],
    ['a stop before the end', gone, { started: here, stopped: true }, { kind: 'stopped' }],
    ['a stop before the start', gone, { stopped: true }, { kind: 'stopped' }],
  ])('tells %s', (_title, unit, rest, wanted) => {
    expect(unitStatus(observe(unit, rest), HASH)).toEqual(wanted);
  });
});

describe('parsePoll', () => {
  const encoded = (text: string): string => Buffer.from(text).toString('base64');
  it('reads what a host prints, a torn record counting as absent', () => {
    const text = [
      'boot=b+1',
      'Result=success',
      'ExecMainStatus=0',
      'LoadState=loaded',
      'ActiveState=active',
      'SubState=running',
      'InvocationID=i1',
      `spec=${encoded(`${HASH}\n`)}`,
      `started=${encoded('{"boot":"b+1"}')}`,
      `exit=${encoded('{"exitSta')}`,
      `progress=${encoded('a=b\nc')}`,
      `stderr=${encoded('last\n')}`,
      'free=10 4096 77',
      '',
    ].join('\n');
    expect(parsePoll(text)).toEqual({
      observation: { ...running, boot: 'b+1', spec: HASH, started: { boot: 'b+1' }, stopped: false },
      progress: 'a=b\nc',
      stderr: 'last\n',
      freeBytes: 40_960,
      freeInodes: 77,
      stopping: false,
    });
  });
});

describe('unitPlace', () => {
  const spec: UnitSpec = {
    migration: 'ppm-target-20260101-ab12',
    step: 'copy',
    generation: 2,
    script: 'true',
  };

  it('names a unit and its directory by migration, step and generation', () => {
    expect(unitPlace(spec)).toMatchObject({
      unit: 'rehost-ppm-target-20260101-ab12-copy-g2.service',
      directory: '/var/lib/rehost/ppm-target-20260101-ab12/copy/g2',
    });
  });
  it('gives another hash for another script or input, and the same for another property', () => {
    const { hash } = unitPlace(spec);
    expect(unitPlace({ ...spec, script: 'false' }).hash).not.toBe(hash);
    expect(unitPlace({ ...spec, files: [{ name: 'a', content: 'b' }] }).hash).not.toBe(hash);
    expect(unitPlace({ ...spec, properties: ['CPUWeight=50'] }).hash).toBe(hash);
  });
  it('takes the longest name that systemd takes and refuses one letter more', () => {
    const step = 's'.repeat(UNIT_NAME_LIMIT - 'rehost-ppm-target-20260101-ab12--g2.service'.length);
    expect(unitPlace({ ...spec, step }).unit).toHaveLength(UNIT_NAME_LIMIT);
    expect(() => unitPlace({ ...spec, step: `${step}s` })).toThrow('at most 255');
  });
  it.each(['a b', '../x', '', '-x', 'a/b', 'ä'])('refuses the step name %j', (step) => {
    expect(() => unitPlace({ ...spec, step })).toThrow('cannot be made');
  });
  it('refuses a property with a line break', () => {
    expect(() => unitPlace({ ...spec, properties: ['Nice=1\nUser=x'] })).toThrow('property');
  });
});
