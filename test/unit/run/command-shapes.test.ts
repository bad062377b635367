import { parseCommand, type CommandName } from '../../../src/run/commands.js';
import { DIGEST } from '../../workflows/plans.js';

const base = { id: 'one', actor: 'ann', proof: { kind: 'claimed' }, digest: DIGEST };
const SHAPES: readonly [title: string, name: CommandName, members: object, sentence: string][] = [
  ['no actor', 'stop', { actor: '' }, '"actor" must be a non-empty text'],
  [
    'an actor of several lines',
    'stop',
    { actor: 'a\nb' },
    '"actor" must be one line without control characters',
  ],
  [
    'a short digest',
    'stop',
    { digest: 'd1d1d1d1d1d' },
    '"digest" must be the plan digest, or its first 12 or more',
  ],
  ['a proof of another kind', 'stop', { proof: { kind: 'signed' } }, '"proof" must be {"kind":"claimed"}'],
  ['nobody, as printed', 'stop', { actor: 'YOUR-NAME' }, '"actor" still is the placeholder YOUR-NAME'],
  ['no reason, as printed', 'rollback', { reason: 'WHY' }, '"reason" still is the placeholder WHY'],
  [
    'an answer as printed',
    'approve',
    { gate: 'begin', revision: 1, answers: { told: 'ANSWER' } },
    'bad answer to "told": it still is the placeholder ANSWER',
  ],
  ['a member too many', 'stop', { force: true }, '"force" is not a member of "stop"'],
  ['no reason for a rejection', 'reject', { gate: 'begin', revision: 1 }, '"reason" is missing'],
  ['a revision as text', 'approve', { gate: 'begin', revision: '1' }, '"revision" must be a whole number'],
  [
    'answers as a list',
    'approve',
    { gate: 'begin', revision: 1, answers: [] },
    '"answers" must be an object',
  ],
  [
    'an empty answer',
    'approve',
    { gate: 'begin', revision: 1, answers: { a: ' ' } },
    '"answers" has a bad answer to "a"',
  ],
  [
    'step and gate at once',
    'retry',
    { gate: 'begin', revision: 1, step: 'copy', generation: 1 },
    'name a "step" or a "gate", not both',
  ],
  ['a step without its generation', 'retry', { step: 'copy' }, '"step" and "generation" go together'],
  [
    'several problems',
    'skip',
    { step: 5 },
    '"step" must be a non-empty text; "generation" is missing; "reason" is missing',
  ],
];

describe('the JSON of a command', () => {
  it('is taken with the digest whole, or from twelve characters on', () => {
    for (const digest of [DIGEST, DIGEST.slice(0, 12)])
      expect(parseCommand('stop', { ...base, digest })).toEqual({
        ok: true,
        command: { kind: 'stop', ...base, digest },
      });
  });

  it.each(SHAPES)('is refused with a name for what is wrong: %s', (_title, name, members, sentence) => {
    const parsed = parseCommand(name, { ...base, ...members });
    expect(parsed).toMatchObject({ ok: false, message: expect.stringContaining(sentence) as string });
  });

  it.each([null, undefined, 'approve', 7, []])(
    'answers %j instead of an object with an example',
    (payload) => {
      const parsed = parseCommand('approve', payload);
      expect(parsed).toMatchObject({
        ok: false,
        message: expect.stringContaining('takes one JSON object, for example {"id"') as string,
      });
    },
  );
});
