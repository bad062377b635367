import { askQuestion } from '../../../src/cli/ask-question.js';
import type { CommandContext } from '../../../src/cli/context.js';

/** A terminal at which these lines are typed; then the input ends. */
function typing(...lines: string[]): { context: CommandContext; asked: string[]; said: string[] } {
  const asked: string[] = [];
  const said: string[] = [];
  const context = {
    io: {
      ask: (text: string) => {
        asked.push(text);
        return Promise.resolve(lines.shift());
      },
    },
    say: (text: string) => void said.push(text),
  };
  return { context: context as unknown as CommandContext, asked, said };
}

const yesNo = { id: 'phase-1', text: 'Is it done?', expect: 'yes' } as const;
const text = { id: 'who', text: 'Who?', expect: 'text' } as const;

describe('a question at the terminal', () => {
  it.each([
    ['y', 'yes'],
    [' YES ', 'yes'],
    ['n', 'no'],
    ['No', 'no'],
  ])('takes %j as %s', async (typed, answer) => {
    expect(await askQuestion(typing(typed).context, yesNo)).toBe(answer);
  });

  it('is asked again when the answer is neither yes nor no, and says what to type', async () => {
    const { context, asked, said } = typing('s', '', 'yes');
    expect(await askQuestion(context, yesNo)).toBe('yes');
    expect(asked).toHaveLength(3);
    expect(said).toEqual(Array(2).fill(expect.stringContaining('Type yes or no')));
  });

  it('takes the suggestion on Enter alone, and shows it', async () => {
    const { context, asked } = typing('');
    expect(await askQuestion(context, text, 'the guild')).toBe('the guild');
    expect(asked[0]).toContain('[Enter: the guild]');
  });

  it('wants some text where there is no suggestion', async () => {
    expect(await askQuestion(typing('', '  ', 'Ada').context, text)).toBe('Ada');
  });

  it('has no answer when the input ends', async () => {
    expect(await askQuestion(typing().context, text, 'the guild')).toBeUndefined();
    expect(await askQuestion(typing('s').context, yesNo)).toBeUndefined();
  });
});
