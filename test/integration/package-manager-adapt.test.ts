/*
 * The one edit of the product's configuration: nothing else of the file changes, and the way back is whole at any time.
 */
import { GCFG_PATH, configBackup, packageManagerContracts } from '../../src/contracts/package-manager.js';
import { ownEffects } from '../../src/contracts/own-writes.js';
import { undoPath } from '../../src/contracts/paths.js';
import { labExecuted } from '../../lab/lab.js';
import { changingCommands, explain, printCommands } from '../oracle/index.js';
import { actionRun, type ActionCall, type ActionRun } from './files/action-run.js';
import { failureOf } from './hosts/lab-hosts.js';

jest.setTimeout(120_000);

const MIGRATION = 'adapt-test';
const HOST = 'ppm-target';
const KEPT = '/srv/adapt-test';
const LACKED = 'RVersion = /opt/R/4.3.3   # of the former server\n';
const call: ActionCall = {
  action: 'packageManager.adapt@1',
  host: HOST,
  step: 'adapt-config',
  input: {
    path: GCFG_PATH,
    edits: [{ section: 'Server', name: 'RVersion', values: ['/opt/R/4.4.1', '/opt/R/4.5.1'] }],
  },
};
const BACKUP = configBackup({ migration: MIGRATION, step: call.step });
const previewed = packageManagerContracts['packageManager.adapt@1'];
const wanted = 'Server.RVersion = /opt/R/4.4.1, /opt/R/4.5.1';

describe('packageManager.adapt@1', () => {
  let run: ActionRun;
  let before: string;
  const sh = (script: string): Promise<string> => run.sh(HOST, script);
  const read = (path: string): Promise<string> => sh(`cat ${path}`);
  /** Owner, mode, access list, and what else lies beside the file. */
  const around = (): Promise<string> =>
    sh(`cd /etc/rstudio-pm; stat -c '%a %U:%G' rstudio-pm.gcfg; getfacl -c rstudio-pm.gcfg; ls -A`);
  const restore = `cp -a -T ${KEPT}/gcfg ${GCFG_PATH}; rm -rf /var/lib/rehost/${MIGRATION}`;

  beforeAll(async () => {
    run = await actionRun(MIGRATION);
    await sh(`mkdir -p ${KEPT}; cp -a -T ${GCFG_PATH} ${KEPT}/gcfg`);
  });
  afterAll(async () => {
    await run.close();
    await sh(`${restore}; rm -rf ${KEPT}`);
  });
  beforeEach(async () => {
    await sh(`${restore}; setfacl -m u:daemon:r ${GCFG_PATH}
      sed -i '0,/^RVersion.*/s,,${LACKED.trim()}\\n&,' ${GCFG_PATH}; touch -d '2025-01-02 03:04:05.6' ${GCFG_PATH}`);
    before = await read(GCFG_PATH);
    expect(before).toContain(LACKED);
  });

  it('takes one line out and keeps every other byte, the owner, the mode and the access list', async () => {
    const untouched = await around();
    expect(untouched).toMatch(/^640 rstudio-pm:rstudio-pm\n[^]*user:daemon:r--/);
    expect(await run.act(call)).toMatchObject({ changed: true, values: { edited: ['Server.RVersion'] } });
    expect(await read(GCFG_PATH)).toBe(before.replace(LACKED, ''));
    expect(await around()).toBe(untouched);
  });

  it('is taken back by its block of UNDO.md to the last bit, also twice, by previewed commands alone', async () => {
    const look = `stat -c '%a %U:%G %.9Y' ${GCFG_PATH}; getfacl -c ${GCFG_PATH}; ls -A /etc/rstudio-pm`;
    const untouched = await sh(look);
    const executed = (await labExecuted(HOST)).length;
    await run.writeUndo(call);
    const [, block = ''] = /^```sh\n([^]*?)^```$/m.exec(await read(undoPath(MIGRATION))) ?? [];
    // Before the step has done anything the block finds nothing to do.
    await sh(block);
    expect(await sh(look)).toBe(untouched);
    await run.act(call);
    expect(await read(GCFG_PATH)).not.toBe(before);
    await run.undo(call);
    await run.act(call);
    for (let times = 0; times < 2; times += 1) {
      await sh(block);
      expect(await read(GCFG_PATH)).toBe(before);
      expect(await sh(look)).toBe(untouched);
    }
    const context = { migration: MIGRATION, step: call.step, generation: '<generation>', host: HOST };
    const input = previewed.input.parse(call.input);
    const effects = [
      ...previewed.effects(input, context),
      ...(previewed.undo?.effects(input, context) ?? []),
    ];
    const changing = changingCommands((await labExecuted(HOST)).slice(executed));
    const own = ownEffects(HOST, MIGRATION);
    // The backup has its name only when it is whole: a copy that was cut off must not be taken for it.
    expect(changing.filter(({ words }) => words.at(-1) === BACKUP).map(({ program }) => program)).toEqual([
      'mv',
    ]);
    expect(printCommands(explain(changing, [...effects, ...own], HOST).unexplained)).toBe('');
    expect(explain(changing, effects, HOST).unused).toEqual([]);
    // Owner and mode are kept by copying the file: a program that set them would be in no preview.
    const chmod = changingCommands([`1 uid=0 pid=1 ppid=1 cwd=/ exe=/x -- chmod 0777 ${GCFG_PATH}.rehost`]);
    expect(explain(chmod, [...effects, ...own], HOST).unexplained).toHaveLength(1);
  });

  it('changes nothing and keeps the first backup when it is repeated', async () => {
    await run.act(call);
    const edited = await sh(`stat -c '%i %.9Y' ${GCFG_PATH}`);
    expect(await run.act(call)).toMatchObject({ changed: false });
    expect(await sh(`stat -c '%i %.9Y' ${GCFG_PATH}`)).toBe(edited);
    // Somebody puts the line back between two attempts.
    await sh(`sed -i 's,^RVersion = /opt/R/4.4.1,RVersion = /opt/R/4.3.3\\n&,' ${GCFG_PATH}`);
    expect(await run.act(call)).toMatchObject({ changed: true });
    expect(await read(BACKUP)).toBe(before);
  });

  it.each([
    ['while the backup was copied', `head -c 9 ${GCFG_PATH} > ${BACKUP}.temp`],
    ['after the backup', `cp -a -T ${GCFG_PATH} ${BACKUP}`],
    [
      'while the new text was written',
      `cp -a -T ${GCFG_PATH} ${BACKUP}; head -c 9 ${BACKUP} > ${GCFG_PATH}.rehost`,
    ],
  ])('ends the same way when its first attempt was killed %s', async (_when, act) => {
    const untouched = await around();
    await sh(`mkdir -p "$(dirname ${BACKUP})"; ${act}`);
    await run.act(call);
    expect(await read(GCFG_PATH)).toBe(before.replace(LACKED, ''));
    expect(await around()).toBe(untouched);
    await run.undo(call);
    expect(await read(GCFG_PATH)).toBe(before);
    expect(await around()).toBe(untouched);
  });

  it.each([
    {
      title: 'a symbolic link',
      act: `mv ${GCFG_PATH} ${KEPT}/real; ln -s ${KEPT}/real ${GCFG_PATH}`,
      message: `${GCFG_PATH} on ppm-target is a symbolic link; rehost edits a regular file only`,
      detail: 'What it points to may be shared with other hosts or be written by another tool.',
      hint: `Open the file that it points to on ppm-target, and set there by hand: ${wanted}; then "rehost retry".`,
    },
    {
      title: 'not UTF-8',
      act: `printf '; J\\366rg\\n' >> ${GCFG_PATH}`,
      message: `${GCFG_PATH} on ppm-target is not the text that was read a moment ago`,
      detail:
        'It was changed in between, or it holds bytes that are not UTF-8, which an edit would not keep.',
      hint: `Open it on ppm-target, and set there by hand: ${wanted}; then "rehost retry".`,
    },
    {
      title: 'not there',
      act: `rm ${GCFG_PATH}`,
      message: `${GCFG_PATH} on ppm-target does not exist`,
      detail: undefined,
      hint: 'Put the file back on ppm-target, then "rehost retry".',
    },
  ])('parks and touches nothing when the file is $title', async ({ act, title: _title, ...text }) => {
    await sh(act);
    const look = `ls -A /etc/rstudio-pm; stat -c %N ${GCFG_PATH} || true; sha256sum ${GCFG_PATH} || true`;
    const untouched = await sh(look);
    const { type, message, detail, hint } = await failureOf(run.act(call));
    expect({ type, message, detail, hint }).toEqual({ type: 'ConfigurationInvalid', ...text });
    expect(await sh(look)).toBe(untouched);
    // As the hint says: with the lines set by hand the retry finds nothing to do.
    if (hint.includes('by hand')) {
      await sh(`sed -i --follow-symlinks '/4.3.3/d' ${GCFG_PATH}`);
      expect(await run.act(call)).toMatchObject({ changed: false });
    }
    await sh(`rm -f ${GCFG_PATH} ${KEPT}/real`);
  });
});
