/*
 * What is refused before a run exists: mistakes in spec and inventory, hosts that cannot be reached or used, ends that
 * are swapped, plans that no longer fit. Each row: exit code, message, detail, hint, and nothing changed on either host.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../src/plan/json.js';
import type { Plan } from '../../src/plan/types.js';
import { expectTold, toldBy, toldWhen, type Refusal } from '../told.js';
import { REACH_ROWS, SPEC_ROWS, SPOILED, SWAPPED, SWAPPED_ENDS } from './bad-input-rows.js';
import { HOSTS, startBench, type Bench } from './fault-bench.js';
import { SPEC } from './world.js';

jest.setTimeout(600_000);

let bench: Bench;
let healthyPlan: string;

beforeAll(async () => {
  bench = await startBench(process.env['REHOST_LAB'] ?? 'bad-input');
});
afterAll(() => bench?.world.close());

/** Runs a command line that must be refused, and compares both hosts and Temporal's runs before and after. */
async function expectRefused(argv: readonly string[], wanted: Refusal): Promise<void> {
  const before = await bench.picture();
  expectTold(await bench.refused(...argv), wanted);
  expect(await bench.picture()).toBe(before);
}

const specFile = (text = SPEC): string => bench.file('migration.yaml', text);
const healthyInventory = (): string => readFileSync(bench.world.lab.inventory, 'utf8');

describe('a mistake in the spec', () => {
  it.each(SPEC_ROWS)('is refused with its place: %s', (_what, text, wanted) =>
    expectRefused(['plan', specFile(text)], wanted),
  );
});

describe('a mistake in the inventory', () => {
  const misspelt = (): string => healthyInventory().replaceAll('identityFile:', 'identityfile:');
  /** Where a text stands in a line of the inventory: `inventory.yaml:LINE:COLUMN`, of each line that has it. */
  const places = (inventory: string, text: string): string[] =>
    inventory
      .split('\n')
      .flatMap((line, at) =>
        line.includes(text) ? [`inventory.yaml:${at + 1}:${line.indexOf(text) + 1}: `] : [],
      );
  const refusal = (): Refusal => ({
    code: 2,
    type: 'InventoryInvalid',
    message: 'inventory.yaml has 2 problems',
    detail: places(misspelt(), 'identityfile:').map(
      (place) => `${place}unknown key "identityfile"; did you mean "identityFile"?`,
    ),
    hint: 'Correct each place named above, then run "rehost doctor" again',
  });

  it('is told with file, line and nearest key before anything is asked, when it is here', () =>
    expectRefused(['plan', specFile(), '--inventory', bench.file('inventory.yaml', misspelt())], refusal()));

  it('is told in the same words when only the worker has it', async () => {
    bench.inventory(misspelt());
    try {
      await expectRefused(['plan', specFile()], refusal());
    } finally {
      bench.healInventory();
    }
  });

  it('is told with every place when a type is wrong and a key is unknown', () => {
    const spoiled = misspelt().replaceAll(/\bport: \d+/g, 'port: twenty-two');
    return expectRefused(['plan', specFile(), '--inventory', bench.file('inventory.yaml', spoiled)], {
      ...refusal(),
      message: 'inventory.yaml has 4 problems',
      detail: [
        ...[refusal().detail].flat(),
        ...places(spoiled, 'twenty-two').map(
          (place, at) => `${place}hosts.${HOSTS[at]}.port wants a number, found "twenty-two"`,
        ),
      ],
    });
  });

  it('is told with the line of the spec when a host is not in it', () =>
    expectRefused(
      ['plan', specFile(SPEC.replace('ppm-target', 'ppm-tagret')), '--inventory', bench.world.lab.inventory],
      {
        code: 2,
        type: 'HostUnknown',
        message: 'target "ppm-tagret" is not in the inventory; did you mean "ppm-target"?',
        detail: 'migration.yaml:3:1: target.',
        hint: 'rehost plan',
      },
    ));

  it('is told when two names have one address', () => {
    const file = bench.file(
      'inventory.yaml',
      healthyInventory().replace(
        `port: ${bench.world.lab.hosts['ppm-target'].port}`,
        `port: ${bench.world.lab.hosts['ppm-source'].port}`,
      ),
    );
    return expectRefused(['plan', specFile(), '--inventory', file], {
      code: 2,
      type: 'SourceEqualsTarget',
      message: 'source ppm-source and target ppm-target have one address',
      detail: 'inventory.yaml:',
      hint: 'Correct the address',
    });
  });
});

describe('a host that is not reached', () => {
  it.each(REACH_ROWS)('ends the plan in seconds when %s', async (_what, spoil, wanted) => {
    bench.inventory((hosts) => spoil(hosts['ppm-target']!, bench));
    const startedAt = Date.now();
    try {
      await expectRefused(['plan', specFile()], wanted);
    } finally {
      bench.healInventory();
    }
    expect(Date.now() - startedAt).toBeLessThan(60_000);
  });
});

describe('a host that cannot be used', () => {
  it.each(SPOILED)('ends the plan when %s', async (_what, host, spoil, heal, refusal) => {
    await bench.on(host, spoil);
    try {
      await expectRefused(['plan', specFile()], refusal);
    } finally {
      await bench.on(host, heal);
    }
  });

  it('ends the plan when the ends are swapped', () =>
    expectRefused(['plan', specFile(SWAPPED)], SWAPPED_ENDS));
});

describe('a plan that may not be applied', () => {
  beforeAll(async () => {
    healthyPlan = bench.file('plan.json', '');
    const made = await bench.rehost('plan', specFile(), '--out', healthyPlan, '--brief');
    expect(made).toMatchObject({ code: 0 });
  });
  const plan = (): Plan => JSON.parse(readFileSync(healthyPlan, 'utf8')) as Plan;

  it('is refused when it has blockers, by the command line and by the client', async () => {
    const file = bench.file('blocked.json', '');
    const made = await bench.rehost('plan', specFile(SWAPPED), '--out', file, '-o', 'json');
    expect(toldBy(made)).toMatchObject({ type: 'PreflightBlocked', exitCode: 3 });
    await expectRefused(['apply', file], SWAPPED_ENDS);
    const saved = JSON.parse(readFileSync(file, 'utf8')) as Plan;
    const told = await toldWhen(bench.world.client.apply(saved, { requester: 'requester' }));
    expectTold(told, SWAPPED_ENDS);
    expect(await bench.world.client.list('all')).toEqual([]);
  });

  it('is refused by the worker when it has blockers and was started by other means', async () => {
    const saved = JSON.parse(readFileSync(join(bench.world.directory, 'blocked.json'), 'utf8')) as Plan;
    const input = { plan: saved as unknown as Json, digest: saved.digest, requester: 'requester' };
    const admission = { action: 'plan.admit@1', host: saved.target, input, timeouts: 'short' } as const;
    expectTold(await toldWhen(bench.world.client.inspect(admission)), SWAPPED_ENDS);
  });

  it('is refused when it was edited by hand, by the command line and by the worker', async () => {
    const edited = { ...plan(), target: 'ppm-other' };
    await expectRefused(['apply', bench.file('edited.json', JSON.stringify(edited))], {
      code: 2,
      type: 'PlanEdited',
      message: 'was changed after it was made',
      detail: `the file says digest ${plan().digest}; its content has `,
      hint: 'A plan is never edited',
    });
    expectTold(await toldWhen(bench.world.client.apply(edited, { requester: 'requester' })), {
      code: 2,
      type: 'PlanEdited',
      message: 'the plan is not the one that its digest names',
      detail: `digest ${plan().digest}; its content has `,
      hint: 'Run "rehost plan SPEC --out PLAN" again and apply that plan.',
    });
    expect(await bench.world.client.list('all')).toEqual([]);
  });

  it('is refused when a pinned fact has drifted since', async () => {
    await bench.on(
      'ppm-target',
      'cp -p /etc/rstudio-pm/rstudio-pm.gcfg /root/gcfg-kept; echo "; changed" >>/etc/rstudio-pm/rstudio-pm.gcfg',
    );
    try {
      await expectRefused(['apply', healthyPlan], {
        code: 8,
        type: 'PlanStale',
        message: '1 pinned fact is not as when the plan was made; nothing was started',
        detail: 'ppm-target: configDigest was ',
        hint: 'rehost plan SPEC --out PLAN',
      });
    } finally {
      await bench.on(
        'ppm-target',
        'cp -p /root/gcfg-kept /etc/rstudio-pm/rstudio-pm.gcfg; rm /root/gcfg-kept',
      );
    }
  });

  it('is refused when another machine answers under the name of a host', async () => {
    await bench.on(
      'ppm-target',
      'cp -p /etc/machine-id /root/id-kept; echo 0123456789abcdef0123456789abcdef >/etc/machine-id',
    );
    try {
      await expectRefused(['apply', healthyPlan], {
        code: 8,
        type: 'HostIdentityChanged',
        message: 'host ppm-target is another machine than when the plan was made; nothing was started',
        detail: 'machine id 0123456789abcdef0123456789abcdef, planned ',
        hint: 'rehost plan SPEC --out PLAN',
      });
    } finally {
      await bench.on('ppm-target', 'cat /root/id-kept >/etc/machine-id; rm /root/id-kept');
    }
  });

  it('is refused when another migration holds a host', async () => {
    const claim = JSON.stringify({
      migration: 'other-20261120-0001',
      workflowId: 'package-manager-server/other',
      requester: 'rita',
      since: '2026-11-20T00:00:00.000Z',
    });
    await bench.on('ppm-source', `mkdir -m 0700 -p /var/lib/rehost; echo '${claim}' >/var/lib/rehost/claim`);
    try {
      await expectRefused(['apply', healthyPlan], {
        code: 8,
        type: 'ClaimForeign',
        message: 'host ppm-source is claimed by migration other-20261120-0001',
        detail:
          'Workflow package-manager-server/other, requested by rita, since 2026-11-20T00:00:00.000Z; the claim is /var/lib/rehost/claim on the host.',
        hint: [
          'rehost status other-20261120-0001',
          'follow /var/lib/rehost/other-20261120-0001/UNDO.md on the host and remove /var/lib/rehost/claim last',
        ],
      });
    } finally {
      await bench.on('ppm-source', 'rm /var/lib/rehost/claim; rmdir /var/lib/rehost');
    }
  });

  it('is refused when the inventory no longer has one of its hosts', async () => {
    bench.inventory((hosts) => {
      Reflect.deleteProperty(hosts, 'ppm-target');
    });
    try {
      await expectRefused(['apply', healthyPlan], {
        code: 2,
        type: 'HostUnknown',
        message: 'the inventory has no host "ppm-target"; the nearest name is "ppm-source"',
        detail: 'It has: ppm-source.',
        hint: 'add the host to the inventory; then run "rehost plan" again',
      });
    } finally {
      bench.healInventory();
    }
  });

  it('is refused when it is no plan', () =>
    expectRefused(['apply', specFile()], {
      code: 2,
      type: 'PlanUnreadable',
      message: 'migration.yaml is not a plan',
      detail: 'it is no JSON',
      hint: 'rehost plan SPEC --out PLAN',
    }));
});
