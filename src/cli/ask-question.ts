import type { GateView } from '../run/status.js';
import type { CommandContext } from './context.js';

type Question = Pick<GateView['questions'][number], 'text' | 'expect'>;

const YES_OR_NO: Readonly<Record<string, 'yes' | 'no'>> = { y: 'yes', yes: 'yes', n: 'no', no: 'no' };

/**
 * Asks one question of a gate at the terminal until the answer is one: text, or yes or no where the gate wants that.
 *
 * Enter alone takes the suggestion, when there is one. Answers undefined at the end of the input.
 */
export async function askQuestion(
  context: CommandContext,
  question: Question,
  suggested?: string,
): Promise<string | undefined> {
  const hint = suggested === undefined ? `[${question.expect}]` : `[Enter: ${suggested}]`;
  for (;;) {
    const typed = await context.io.ask(`  ${question.text} ${hint} `);
    if (typed === undefined) return undefined;
    const answer = typed.trim() === '' ? (suggested ?? '') : typed.trim();
    if (question.expect === 'text') {
      if (answer !== '') return answer;
      context.say('  Type an answer; Ctrl-C leaves, and nothing is sent.');
    } else {
      const known = YES_OR_NO[answer.toLowerCase()];
      if (known !== undefined) return known;
      context.say('  Type yes or no; Ctrl-C leaves, and nothing is sent.');
    }
  }
}
