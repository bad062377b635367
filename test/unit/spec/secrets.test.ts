import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { SecretReference } from '../../../src/spec/inventory-schema.js';
import { secretsOf } from '../../../src/spec/secrets.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehost-secrets-'));
  writeFileSync(join(directory, 'full'), 'from a file\r\nsecond line\n');
  writeFileSync(join(directory, 'empty'), '');
});
afterAll(() => rmSync(directory, { recursive: true }));

const reveal = async (reference: SecretReference): Promise<string> => {
  const secret = secretsOf({ secrets: { smtp: reference } }, { SMTP: 'from a variable', EMPTY: '' })('smtp');
  return (await secret).reveal();
};

describe('a secret', () => {
  it.each<[string, () => SecretReference, string]>([
    ['a variable', () => ({ env: 'SMTP' }), 'from a variable'],
    ['the first line of a file', () => ({ file: join(directory, 'full') }), 'from a file'],
    [
      "the first line of a command's output",
      () => ({ command: ['printf', 'from a command\nx'] }),
      'from a command',
    ],
  ])('is read from %s', async (_what, reference, text) => {
    expect(await reveal(reference())).toBe(text);
  });

  it.each<[string, () => SecretReference, string]>([
    ['its variable is not set', () => ({ env: 'UNSET' }), 'its source gives an empty text'],
    ['its variable is empty', () => ({ env: 'EMPTY' }), 'its source gives an empty text'],
    ['its file is absent', () => ({ file: join(directory, 'absent') }), 'its source cannot be read (ENOENT)'],
    ['its file is empty', () => ({ file: join(directory, 'empty') }), 'its source gives an empty text'],
    [
      'its command is absent',
      () => ({ command: [join(directory, 'absent')] }),
      'its source cannot be read (ENOENT)',
    ],
    ['its command fails', () => ({ command: ['sh', '-c', 'exit 3'] }), 'its source cannot be read (3)'],
  ])('is missed when %s', async (_what, reference, reason) => {
    await expect(reveal(reference())).rejects.toMatchObject({
      type: 'SecretMissing',
      exitCode: 2,
      message: `secret "smtp" is not there: ${reason}`,
      hint: `Correct secrets.smtp in the worker's inventory, then run "rehost retry".`,
    });
  });

  it('is missed when the inventory does not name it', async () => {
    await expect(secretsOf({ secrets: {} }, {})('smtp')).rejects.toMatchObject({
      type: 'SecretMissing',
      message: 'secret "smtp" is not there: the inventory has no such secret',
    });
  });

  it('tells nothing of what a failing command printed, not even in a cause that would travel into history', async () => {
    const words = 'word=$(printf hunter%s 2); echo "$word"; echo "$word" >&2; exit 3';
    const error: unknown = await reveal({ command: ['sh', '-c', words] }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ type: 'SecretMissing' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });

  it('is read anew at each use, so that a rotation needs no restart', async () => {
    const file = join(directory, 'rotated');
    const secret = secretsOf({ secrets: { smtp: { file } } }, {});
    writeFileSync(file, 'first');
    expect((await secret('smtp')).reveal()).toBe('first');
    writeFileSync(file, 'second');
    expect((await secret('smtp')).reveal()).toBe('second');
  });

  it('is not shown when it is printed, inspected or turned into JSON', async () => {
    const secret = await secretsOf({ secrets: { smtp: { env: 'SMTP' } } }, { SMTP: 'hunter2' })('smtp');
    for (const text of [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true }),
    ])
      expect(text).not.toContain('hunter2');
  });
});
