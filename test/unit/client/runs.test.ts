import { loadConfiguration } from '../../../src/config.js';
import { newMigrationId, workflowIdOf, workflowTypeOf } from '../../../src/client/runs.js';
import { carriedFailure, translateError } from '../../../src/client/translate.js';
import { toApplicationFailure } from '../../../src/activities/failures.js';
import { failure } from '../../../src/failures.js';
import { unitName } from '../../../src/contracts/paths.js';
import { HOST_NAME_LIMIT } from '../../../src/spec/spec-schema.js';

describe('newMigrationId', () => {
  it('is the target, the UTC day and four hexadecimal digits', () => {
    expect(newMigrationId('ppm-target', new Date('2026-03-09T23:59:59Z'), () => 0.001)).toBe(
      'ppm-target-20260309-0041',
    );
  });

  it('keeps names of units below the limit of 255 bytes for the longest host name', () => {
    const id = newMigrationId('x'.repeat(HOST_NAME_LIMIT), new Date(), () => 0.99);
    expect(`${unitName(id, 's'.repeat(100), 1000)}.service`.length).toBeLessThan(255);
  });
});

describe('names of Workflows', () => {
  it('are derived from kind and target', () => {
    expect(workflowTypeOf('package-manager-server')).toBe('packageManagerServer');
    expect(workflowIdOf('package-manager-server', 'ppm-target')).toBe('package-manager-server/ppm-target');
  });
});

describe('carriedFailure', () => {
  it('gives type, message, detail and hint back after a way through Temporal', () => {
    const sent = failure('HostUnknown', { message: 'no host x', detail: 'known: y', hint: 'Name y.' });
    const outer = new Error('Workflow execution failed', { cause: toApplicationFailure(sent) });
    expect(carriedFailure(outer)).toMatchObject({
      type: 'HostUnknown',
      message: 'no host x',
      detail: 'known: y',
      hint: 'Name y.',
    });
  });

  it('does not take an error of another kind for ours', () => {
    expect(carriedFailure(Object.assign(new Error('x'), { type: 'HostUnknown' }))).toBeUndefined();
    expect(translateError(new Error('boom'), 'here:1')).toMatchObject({ type: 'Unexpected' });
  });
});

describe('loadConfiguration', () => {
  const origin = (settings: readonly { name: string; origin: string }[], name: string): string | undefined =>
    settings.find((setting) => setting.name === name)?.origin;

  it('takes flag before our variable before the standard one before the default', () => {
    const noFile = { TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' };
    const all = { ...noFile, REHOST_ADDRESS: 'b:2', TEMPORAL_ADDRESS: 'c:3' };
    expect(loadConfiguration({ address: 'a:1' }, all).address).toBe('a:1');
    expect(loadConfiguration({}, all).address).toBe('b:2');
    expect(loadConfiguration({}, { ...noFile, TEMPORAL_ADDRESS: 'c:3' }).connection.address).toBe('c:3');
    const plain = loadConfiguration({}, noFile);
    expect(plain.address).toBe('localhost:7233');
    expect(origin(plain.settings, 'address')).toBe('default');
  });

  it('takes the actor from the account when nobody says otherwise', () => {
    expect(loadConfiguration({}, { REHOST_ACTOR: 'ada' }).actor).toBe('ada');
    expect(loadConfiguration({}, {}).actor).not.toBe('');
  });

  it('is frozen', () => {
    expect(Object.isFrozen(loadConfiguration({}, {}))).toBe(true);
  });
});
