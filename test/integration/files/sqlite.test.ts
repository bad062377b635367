import { landingOf } from '../../../src/contracts/files-landing.js';
import { actionRun, type ActionCall, type ActionRun } from './action-run.js';

const ROOT = '/srv/files-sqlite';
const DATA = `${ROOT}/data`;
const MIGRATION = 'sqlite-test';

describe('databases in incoming', () => {
  let run: ActionRun;
  let generation = 0;
  const { incoming } = landingOf({ targetPath: DATA }, MIGRATION);
  const verify = (): ActionCall => ({
    action: 'sqlite.verify@1',
    host: 'ppm-target',
    step: 'databases',
    generation: (generation += 1),
    input: { tree: 'data', targetPath: DATA, files: ["db/it's.db", 'db/usage.db'] },
  });

  beforeAll(async () => {
    run = await actionRun(MIGRATION);
  }, 60_000);
  beforeEach(async () => {
    // A copy with a live log: taken while the connection that wrote it was still open.
    await run.sh(
      'ppm-target',
      `rm -rf ${ROOT}; mkdir -p ${incoming}/db ${ROOT}/made; cd ${ROOT}/made
for name in "it's.db" usage.db; do
  sqlite3 "$name" "pragma journal_mode=wal; create table \\"a \\"\\"b\\"\\" table\\"(x); insert into \\"a \\"\\"b\\"\\" table\\" values (1),(2); create table empty(y);" ".shell cp $(printf '%s' "$name" | sed "s/'/\\\\\\\\'/")* ${incoming}/db/" > /dev/null
done
chown -R games:games ${incoming}; chmod 0640 ${incoming}/db/*; [ -s ${incoming}/db/usage.db-wal ]`,
    );
  }, 60_000);
  afterAll(async () => {
    await run.sh('ppm-target', `rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}`);
    await run.close();
  });

  it('have their log folded in, owner and mode kept, and are counted', async () => {
    const { values } = await run.act(verify());
    expect(values['databases']).toEqual([
      {
        file: "db/it's.db",
        tables: 2,
        rows: 2,
        countsDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
      {
        file: 'db/usage.db',
        tables: 2,
        rows: 2,
        countsDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
    expect(await run.sh('ppm-target', `cd ${incoming}/db; stat -c '%U:%G %a %n' *`)).toBe(
      "games:games 640 it's.db\ngames:games 640 usage.db\n",
    );
    // Again, by a retry: the same answer.
    expect((await run.act(verify())).values).toEqual(values);
  }, 60_000);

  it('are refused when pages are damaged', async () => {
    await run.sh(
      'ppm-target',
      `cd ${incoming}/db; sqlite3 usage.db 'create table t(x); create index i on t(x); with recursive c(n) as (select 1 union all select n+1 from c where n<2000) insert into t select randomblob(50) from c; pragma wal_checkpoint(truncate)' > /dev/null
tr '\\0' '\\377' < /dev/zero | head -c 3000 | dd of=usage.db bs=1 seek=20000 conv=notrunc status=none`,
    );
    await expect(run.act(verify())).rejects.toMatchObject({
      type: 'DatabaseDamaged',
      message: `database ${incoming}/db/usage.db on host ppm-target is damaged`,
      detail: expect.stringMatching(/page|malformed/i) as string,
    });
  }, 60_000);

  it('are refused when it is no database at all', async () => {
    await run.sh('ppm-target', `cd ${incoming}/db; rm usage.db*; head -c 9000 /dev/urandom > usage.db`);
    await expect(run.act(verify())).rejects.toMatchObject({ type: 'DatabaseDamaged' });
  }, 60_000);

  it('are refused when one is missing, and none is made', async () => {
    await run.sh('ppm-target', `rm ${incoming}/db/usage.db*`);
    await expect(run.act(verify())).rejects.toMatchObject({
      type: 'DatabaseDamaged',
      message: expect.stringContaining('is missing') as string,
    });
    expect(await run.sh('ppm-target', `ls ${incoming}/db`)).not.toContain('usage.db');
  }, 60_000);

  it('are refused while another process holds the log', async () => {
    await run.sh(
      'ppm-target',
      `sqlite3 ${incoming}/db/usage.db 'begin' 'select * from empty' '.shell sleep 15' > /dev/null 2>&1 & sleep 1`,
    );
    await expect(run.act(verify())).rejects.toMatchObject({ type: 'DatabaseDamaged' });
  }, 60_000);
});
