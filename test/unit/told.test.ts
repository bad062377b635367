import { expectTold, type Refusal, type Told } from '../told.js';

const told: Told = {
  type: 'Refused',
  message: 'gate begin is not reached yet',
  detail: 'Open now: gate admit.',
  hint: 'Run "rehost status" to see what is open.',
  exitCode: 4,
};
const wanted: Refusal = {
  code: 4,
  type: 'Refused',
  message: 'gate begin is not reached',
  detail: 'Open now: gate admit',
  hint: ['Run "rehost status"', 'what is open'],
};

describe('an expectation of a refusal', () => {
  it('holds when every part says what is wanted', () => expectTold(told, wanted));

  it.each<[string, Partial<Refusal>]>([
    ['an empty detail', { detail: '' }],
    ['no detail at all', { detail: [] }],
    ['a hint that every hint meets', { hint: 'rehost' }],
    ['one empty text among others', { message: ['gate begin is not', ' '] }],
  ])('is itself refused when it wants %s', (_what, empty) =>
    expect(() => expectTold(told, { ...wanted, ...empty })).toThrow('is no expectation of a'),
  );

  it.each<[string, Partial<Told>]>([
    ['another exit code', { exitCode: 8 }],
    ['another type', { type: 'RunActive' }],
    ['another message', { message: 'gate begin is open' }],
    ['no detail', { detail: undefined }],
    ['another hint', { hint: 'Run "rehost doctor".' }],
  ])('fails when the command told %s', (_what, other) =>
    expect(() => expectTold({ ...told, ...other }, wanted)).toThrow(),
  );
});
