/*
 * What proves a moved Package Manager must also refuse: each proof is held against a host on which it must not pass.
 */
import { createHash } from 'node:crypto';
import { GCFG_PATH } from '../../src/contracts/package-manager.js';
import { actionRun, type ActionCall, type ActionRun } from './files/action-run.js';
import { failureOf } from './hosts/lab-hosts.js';

jest.setTimeout(180_000);

const MIGRATION = 'proofs-test';
const ROOT = '/srv/proofs-test';
const INCOMING = `${ROOT}/.rehost-${MIGRATION}-incoming-data`;
const ANSWERS = `/var/lib/rehost/${MIGRATION}/answers/answers.jsonl`;
const LOG = '/var/log/rstudio/rstudio-pm/rstudio-pm.log';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let run: ActionRun;
const call = (
  action: ActionCall['action'],
  input: Record<string, unknown>,
  host: ActionCall['host'] = 'ppm-target',
): ActionCall => ({ action, host, step: action.replace(/^.*\.|@1$/g, '').toLowerCase(), input });
const target = (script: string): Promise<string> => run.sh('ppm-target', script);
const source = (script: string): Promise<string> => run.sh('ppm-source', script);
const told = async (refused: ActionCall): Promise<Record<string, unknown>> => {
  const { type, message, detail, hint } = await failureOf(run.act(refused));
  return { type, message, detail, hint };
};
const cleanUp = async (): Promise<void> => {
  await target(`rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}; systemctl start rstudio-pm`);
  await source(`rm -rf /var/lib/rehost/${MIGRATION}; systemctl start rstudio-pm`);
};

beforeAll(async () => {
  run = await actionRun(MIGRATION);
  await cleanUp();
  await target(`mkdir -p ${ROOT}`);
});
afterAll(async () => {
  await run.close();
  await cleanUp();
});

describe('the key of the copy', () => {
  // A name with a blank: the hint's command must still be one that a shell understands.
  const key = `${INCOMING}/my keys/rstudio-pm.key`;
  const fingerprint = sha256('the key of the source\n');
  const verify = call('packageManager.verifyKey@1', {
    ...{ tree: 'data', targetPath: `${ROOT}/data`, inside: false },
    ...{ file: 'my keys/rstudio-pm.key', fingerprint, owner: 'rstudio-pm' },
  });
  beforeEach(() =>
    target(`rm -rf '${INCOMING}'; mkdir -p '${INCOMING}/my keys'
      echo 'the key of the source' > '${key}'; chown rstudio-pm '${key}'; chmod 0600 '${key}'`),
  );

  it.each(['600', '400'])('is accepted with its owner and mode %s', async (mode) => {
    await target(`chmod ${mode} '${key}'`);
    expect((await run.act(verify)).values).toEqual({ fingerprint, mode, owner: 'rstudio-pm' });
  });

  const rollBack = 'Run "rehost rollback": the data would be unreadable with this key.';
  it.each([
    {
      title: 'one byte is another',
      act: `printf X | dd of='${key}' bs=1 seek=3 conv=notrunc status=none`,
      message: `encryption key ${key} on ppm-target is not the one of the source`,
      detail: `fingerprint ${sha256('theXkey of the source\n')}, wanted ${fingerprint}`,
      hint: rollBack,
    },
    {
      title: 'it is not there',
      act: `rm '${key}'`,
      message: `encryption key ${key} on ppm-target is missing`,
      detail: `fingerprint none, wanted ${fingerprint}`,
      hint: rollBack,
    },
    {
      title: 'it is a link to nothing',
      act: `ln -sf /nowhere '${key}'`,
      message: `encryption key ${key} on ppm-target is missing`,
      detail: `fingerprint none, wanted ${fingerprint}`,
      hint: rollBack,
    },
    ...[
      { title: 'it belongs to root', act: `chown root '${key}'`, found: 'root with mode 600' },
      { title: 'the group may read it', act: `chmod 0640 '${key}'`, found: 'rstudio-pm with mode 640' },
      { title: 'it has a set-user-id bit', act: `chmod 4600 '${key}'`, found: 'rstudio-pm with mode 4600' },
    ].map(({ title, act, found }) => ({
      title,
      act,
      message: `encryption key ${key} on ppm-target belongs to ${found}; rstudio-pm and mode 600 or 400 are needed`,
      detail: `The key itself is the one of the source: fingerprint ${fingerprint}.`,
      hint: `Run "chown rstudio-pm '${key}' && chmod 600 '${key}'" on ppm-target, then "rehost retry".`,
    })),
  ])('is refused when $title', async ({ act, message, detail, hint }) => {
    await target(act);
    const failure = await told(verify);
    expect(failure).toEqual({ type: 'KeyDiffers', message, detail, hint });
    // What the hint says is what helps.
    const command = /^Run "(chown .*)" on ppm-target/.exec(hint)?.[1];
    if (command === undefined) return;
    await target(command);
    expect((await run.act(verify)).values).toMatchObject({ owner: 'rstudio-pm', mode: '600' });
  });
});

describe('the answers of the product', () => {
  let recorded: { text: string; digest: string; addresses: number };
  const compare = (host: ActionCall['host'], digest: string): ActionCall =>
    call(
      'packageManager.compareAnswers@1',
      { port: 4242, recordedOn: 'ppm-source', path: ANSWERS, digest },
      host,
    );
  const write = (text: string): Promise<string> =>
    source(`printf %s '${Buffer.from(text).toString('base64')}' | base64 -d > ${ANSWERS}`);
  const lookAtBoth = 'Look at the first address on both hosts; then "rehost retry" or "rehost rollback".';

  beforeAll(async () => {
    const record = call('packageManager.recordAnswers@1', { port: 4242, frozen: 4 }, 'ppm-source');
    const { values } = await run.act({ ...record, step: 'answers' });
    const text = await source(`cat ${ANSWERS}`);
    recorded = { text, digest: String(values['digest']), addresses: Number(values['addresses']) };
  });
  beforeEach(() => write(recorded.text));

  it('are equal on the host that they were recorded on', async () => {
    const { values } = await run.act(compare('ppm-source', recorded.digest));
    expect(values).toEqual({ addresses: recorded.addresses, equal: true });
    expect(recorded.addresses).toBeGreaterThan(20);
  });

  it('are refused with each address that a target with other data answers otherwise', async () => {
    const failure = await told(compare('ppm-target', recorded.digest));
    const [, different = '0'] = /^(\d+) of/.exec(String(failure['message'])) ?? [];
    expect(failure).toEqual({
      type: 'ProductAnswersWrong',
      message: `${different} of ${recorded.addresses} addresses answer otherwise on ppm-target than on ppm-source`,
      detail: expect.any(String),
      hint: lookAtBoth,
    });
    const lines = String(failure['detail']).split('\n');
    expect(lines).toHaveLength(Math.min(20, Number(different)));
    const shown = 'status 200, \\d+ bytes, sha256 [0-9a-f]{12}';
    expect(lines[0]).toMatch(new RegExp(`^http /__api__/repos: wanted ${shown}; found ${shown}$`));
    // An address that this target lacks, and one that both answer alike.
    expect(failure['detail']).toMatch(/^http \/curated\/latest\/.*; found status 404, /m);
    expect(failure['detail']).not.toContain('/__ping__');
  });

  it.each([
    { title: 'over HTTP', address: '/__api__/repos', kind: 'http' },
    { title: 'by its tool', address: 'list sources', kind: 'rspm' },
  ])('are refused when a single one, given $title, is another', async ({ address, kind }) => {
    const lines = recorded.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const wanted = lines.find((one) => one['address'] === address);
    const was = String(wanted?.['sha256']).slice(0, 12);
    const shown = `status ${String(wanted?.['status'])}, ${String(wanted?.['bytes'])} bytes`;
    const changed = lines.map((one) => (one === wanted ? { ...one, sha256: '0'.repeat(64) } : one));
    const text = changed.map((one) => `${JSON.stringify(one)}\n`).join('');
    await write(text);
    expect(await told(compare('ppm-source', sha256(text)))).toEqual({
      type: 'ProductAnswersWrong',
      message: `1 of ${recorded.addresses} addresses answer otherwise on ppm-source than on ppm-source`,
      detail: `${kind} ${address}: wanted ${shown}, sha256 000000000000; found ${shown}, sha256 ${was}`,
      hint: lookAtBoth,
    });
  });

  it.each([
    {
      title: 'was edited afterwards',
      act: `sed -i s/200/201/ ${ANSWERS}`,
      found: () => `digest ${sha256(recorded.text.replace(/^(.*?)200/gm, '$1201'))}`,
    },
    { title: 'is gone', act: `rm ${ANSWERS}`, found: () => 'there is no such file' },
  ])('are refused when their record $title', async ({ act, found }) => {
    await source(act);
    expect(await told(compare('ppm-source', recorded.digest))).toEqual({
      type: 'ProductAnswersWrong',
      message: `recorded answers ${ANSWERS} on ppm-source are not those that were recorded`,
      detail: `${found()}, wanted digest ${recorded.digest}`,
      hint: 'Run "rehost rollback": what the source answered before the fence can no longer be proven.',
    });
  });
});

describe('the configuration of the target', () => {
  const check = call('packageManager.checkConfig@1', {});
  beforeAll(() => target(`cp -a -T ${GCFG_PATH} ${ROOT}/gcfg`));
  afterEach(() => target(`cp -a -T ${ROOT}/gcfg ${GCFG_PATH}`));

  it('is accepted as it is', async () => {
    expect((await run.act(check)).values['output']).toMatch(/^ok +configuration$/m);
  });

  it.each([
    { title: 'an unknown property', line: 'VarLib = /x', said: 'unknown property Server.VarLib' },
    { title: 'a line that is none', line: '= 5', said: "'' is not a name" },
    {
      title: 'an R that does not exist',
      line: 'RVersion = /opt/R/4.0.0',
      said: 'Server.RVersion = /opt/R/4.0.0: no R there (/opt/R/4.0.0 cannot be executed)',
    },
  ])('is refused in the words of check-config when it has $title', async ({ line, said }) => {
    await target(`sed -i 's,^AccessLogFormat.*,${line},' ${GCFG_PATH}`);
    expect(await told(check)).toEqual({
      type: 'ConfigurationInvalid',
      message: 'rspm check-config refuses the configuration on ppm-target',
      detail: expect.stringMatching(/^FAIL configuration$/m),
      hint: `Correct ${GCFG_PATH} on ppm-target as the lines above say, then "rehost retry".`,
    });
    expect((await told(check))['detail']).toContain(said);
  });
});

describe('the started product', () => {
  const prove = call('packageManager.proof@1', {
    unit: 'rstudio-pm.service',
    group: 'rstudio-pm',
    members: ['ada'],
    licences: ['rstudio-pm-lab.lic', 'lost.lic'],
    dataDir: '/srv/ppm/data',
  });
  afterEach(() => target('systemctl start rstudio-pm'));

  it('is refused when it was stopped', async () => {
    await target('systemctl stop rstudio-pm');
    expect(await told(prove)).toEqual({
      type: 'ServiceNotStarted',
      message: 'rstudio-pm.service on ppm-target is inactive; it must be active',
      detail: 'ActiveState=inactive SubState=dead Result=success ExecMainStatus=0',
      hint: 'Look at "journalctl -u rstudio-pm.service" on ppm-target, start it there, then "rehost retry".',
    });
  });

  it('is refused when it ended by itself', async () => {
    await target(`cp -a -T ${GCFG_PATH} ${ROOT}/gcfg; echo '[Sever]' >> ${GCFG_PATH}
      echo 'A = b' >> ${GCFG_PATH}; systemctl restart rstudio-pm || true; cp -a -T ${ROOT}/gcfg ${GCFG_PATH}`);
    expect(await told(prove)).toMatchObject({
      type: 'ServiceNotStarted',
      message: 'rstudio-pm.service on ppm-target is failed; it must be active',
      detail: expect.stringContaining('Result=exit-code'),
    });
    await target('systemctl reset-failed rstudio-pm');
  });

  it('is proven with notes on what it lacks and on what its log says of R since the last start', async () => {
    await target(`systemctl stop rstudio-pm; cp -a -T ${LOG} ${ROOT}/log
      for i in 1 2 3 4; do echo "msg='Unable to use R, long ago'"; done > ${LOG}; systemctl start rstudio-pm`);
    const { values } = await run.act(prove);
    await target(`systemctl stop rstudio-pm; cp -a -T ${ROOT}/log ${LOG}`);
    expect(values).toEqual({ active: true, notes: expect.any(Array) });
    const notes = values['notes'] as string[];
    expect(notes.slice(0, 2)).toEqual([
      'account ada is in group rstudio-pm on the source and not here: add it with usermod -aG',
      'licence file /srv/ppm/data/lost.lic is missing',
    ]);
    expect(notes.slice(2)).toEqual([
      expect.stringContaining('long ago'),
      expect.stringContaining('Detected R version 4.4.1 at /opt/R/4.4.1'),
      expect.stringContaining('Detected R version 4.5.1 at /opt/R/4.5.1'),
    ]);
  });
});
