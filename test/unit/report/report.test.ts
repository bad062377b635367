import { sealPlan } from '../../../src/digest.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { buildReport } from '../../../src/report/report.js';
import { initialState, type RunState, type StepRecord } from '../../../src/run/state.js';
import type { Plan, Step } from '../../../src/plan/types.js';

const step = (id: string, more: Partial<Step> = {}): Step => ({
  kind: 'step',
  id,
  title: `do ${id}`,
  action: 'fake.act@1',
  host: 'target-1',
  input: {},
  timeouts: 'short',
  undo: { kind: 'none', because: 'keeps' },
  skip: 'never',
  requirements: [],
  ...more,
});

const plan: Plan = sealPlan({
  schema: 1,
  release: '0.1.0',
  kind: 'package-manager-server',
  source: 'source-1',
  target: 'target-1',
  hosts: {
    'source-1': { role: 'source', hostKey: 'SHA256:a', machineId: 'm1' },
    'target-1': { role: 'target', hostKey: 'SHA256:b', machineId: 'm2' },
  },
  facts: {},
  preflight: [],
  phases: [
    {
      id: 'only',
      title: 'Only phase',
      gate: {
        id: 'begin',
        title: 'May it begin?',
        explains: [],
        questions: [{ id: 'told', text: 'Who told | the users?', expect: 'text', requirements: [] }],
        voters: ['ada', 'ben'],
        votes: 1,
        proof: 'claimed',
        evidence: [],
      },
      nodes: [step('compare', { verification: true }), step('swap')],
    },
  ],
  exclusions: [{ path: '/data/cache', reason: 'filled again' }],
  forecast: {
    bytes: 0,
    files: 0,
    bytesPerSecond: 1,
    finalCopyBytes: 0,
    downtimeMs: 60_000,
    madeAt: '2026-01-01T00:00:00Z',
  },
});

const done = (values: Extract<StepRecord, { status: 'done' }>['values']): StepRecord => ({
  status: 'done',
  generation: 1,
  startedAt: '2026-01-01T00:00:10.000Z',
  endedAt: '2026-01-01T00:00:20.000Z',
  changed: true,
  digest: 'ab'.repeat(32),
  values,
});

const finished = (steps: RunState['steps'], more: Partial<RunState> = {}): RunState => ({
  ...initialState(plan, {
    migration: 'target-1-20260101-0001',
    workflowId: 'w',
    requester: 'rita',
    at: '2026-01-01T00:00:00.000Z',
  }),
  phase: 1,
  steps,
  gates: {
    begin: {
      status: 'open',
      revision: 1,
      reachedAt: '2026-01-01T00:00:01.000Z',
      openedAt: '2026-01-01T00:00:02.000Z',
      evidence: {},
      votes: [
        {
          actor: 'ada',
          at: '2026-01-01T00:00:02.000Z',
          revision: 1,
          answers: { told: 'the desk' },
          command: 'c1',
          via: 'update',
        },
      ],
      rejections: [],
    },
  },
  downtime: { startedAt: '2026-01-01T00:00:10.000Z', endedAt: '2026-01-01T00:00:40.000Z' },
  ended: { state: 'done', at: '2026-01-01T00:01:00.000Z' },
  ...more,
});
const NOW = '2026-01-01T00:01:00.000Z';
const GOOD = {
  compare: done({ equal: true, entries: 4 }),
  swap: done({ restorePoint: true, formerPath: "/srv/it's former", account: 'rehost' }),
};

describe('buildReport', () => {
  it('is VERIFIED when the run is done and every verification was', () => {
    const report = buildReport(plan, finished(GOOD), NOW);
    expect(report).toMatchObject({ verdict: 'VERIFIED', verdictReasons: [], durationMs: 60_000 });
    expect(report.downtime).toMatchObject({ ms: 30_000 });
  });

  it('is UNVERIFIED, with name and reason, once a verification was skipped', () => {
    const skipped: StepRecord = {
      status: 'skipped',
      generation: 1,
      by: 'ada',
      reason: 'no time',
      endedAt: NOW,
    };
    const unverified = [{ step: 'compare', by: 'ada', reason: 'no time', at: NOW }];
    const report = buildReport(plan, finished({ ...GOOD, compare: skipped }, { unverified }), NOW);
    expect(report.verdict).toBe('UNVERIFIED');
    expect(report.verdictReasons).toEqual(['compare was skipped by ada: no time']);
  });

  it('is not VERIFIED before the run has ended', () => {
    const { ended: _ended, ...open } = finished({ ...GOOD, swap: { status: 'not-started', generation: 0 } });
    expect(buildReport(plan, open, NOW).verdict).toBe('NOT FINISHED');
  });

  it('prints the command that removes each restore point, quoted for a shell', () => {
    const { left } = buildReport(plan, finished(GOOD), NOW);
    expect(left.map((one) => one.remove)).toEqual([
      `ssh target-1 sudo rm -rf -- '/srv/it'\\''s former'`,
      'ssh source-1 sudo rm -rf -- /var/lib/rehost/target-1-20260101-0001',
      'ssh target-1 sudo rm -rf -- /var/lib/rehost/target-1-20260101-0001',
      'ssh source-1 sudo userdel --remove ACCOUNT',
      'ssh target-1 sudo userdel --remove rehost',
    ]);
  });

  it('names nothing as left when no step has started', () => {
    expect(buildReport(plan, finished({}), NOW).left).toEqual([]);
  });
});

describe('renderMarkdown', () => {
  const text = renderMarkdown(buildReport(plan, finished(GOOD), NOW));

  it('says the verdict first, then votes and answers with names', () => {
    expect(text).toMatch(/^# Migration target-1-20260101-0001\n\n- Verification: \*\*VERIFIED\*\*/);
    expect(text).toContain('- `ada` approved at 2026-01-01T00:00:02.000Z by update');
    expect(text).toContain('**the desk** (`ada`)');
    expect(text).toContain('Downtime: 30 s (forecast 1 min)');
  });

  it('escapes what people wrote, so that tables stay whole', () => {
    expect(text).toContain('Who told \\| the users?');
  });

  it('lists what was neither copied nor compared', () => {
    expect(text).toContain('- `/data/cache`: filled again');
  });
});
