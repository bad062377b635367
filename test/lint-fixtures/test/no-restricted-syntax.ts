// fails: no-restricted-syntax
it.skip('is not run', () => undefined);
describe.only('is the only one that runs', () => undefined);
it.todo('is not written');
