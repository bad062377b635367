import { Command, CommanderError } from 'commander';
import { failure, type RehostFailure } from '../failures.js';
import { addApply } from './apply.js';
import { addApprove } from './approve.js';
import type { ExitCode } from './context.js';
import { definer, type Define } from './define.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { EXIT } from './exit-codes.js';
import { addInit } from './init.js';
import type { Io } from './io.js';
import { addLab } from './lab.js';
import { addList } from './list.js';
import { addLogs } from './logs.js';
import { examples, twinName } from './options.js';
import { OUTPUT_MODES, printFailure, type OutputMode } from './output.js';
import { addPlan } from './plan.js';
import { addReject } from './reject.js';
import { RELEASE } from './release.js';
import { addReport } from './report.js';
import { addRetry } from './retry.js';
import { addRollback } from './rollback.js';
import { addSkip } from './skip.js';
import { addStatus } from './status.js';
import { addStop } from './stop.js';
import { addUp } from './up.js';
import { addWatch } from './watch.js';
import { addWorker } from './worker.js';

/** All commands, in the order in which help lists them. */
const COMMANDS: readonly ((program: Command, define: Define) => void)[] = [
  addInit,
  addDoctor,
  addPlan,
  addApply,
  addList,
  addStatus,
  addWatch,
  addApprove,
  addReject,
  addRetry,
  addSkip,
  addStop,
  addRollback,
  addLogs,
  addReport,
  addUp,
  addWorker,
  addLab,
  addDemo,
];

/** The whole command line, not yet parsed. */
export function createProgram(io: Io, exit: ExitCode): Command {
  const program = new Command('rehost')
    .description(
      'Moves self-hosted products to new servers: every phase approved, every change undoable, every byte verified.',
    )
    .version(RELEASE, '-V, --version')
    // Wrong usage is printed like every other failure, by `runCli`.
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: () => undefined })
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      examples(
        'rehost up',
        'rehost plan migration.yaml --out plan.json',
        'rehost apply plan.json',
        'rehost status',
      ),
    );
  const define = definer(io, exit);
  for (const add of COMMANDS) add(program, define);
  return program;
}

/** How results were to be printed, of a command line that could not be parsed. */
function modeIn(argv: readonly string[], io: Io): OutputMode {
  const given = argv.flatMap((word, at) => {
    if (word === '-o' || word === '--output') return [argv[at + 1]];
    return /^(?:-o|--output=)(.+)$/.exec(word)?.[1] ?? [];
  });
  const mode = given.at(-1) ?? io.env[twinName('--output')];
  return OUTPUT_MODES.find((one) => one === mode) ?? 'table';
}

function usage(program: Command, argv: readonly string[], error: CommanderError): RehostFailure {
  const names = program.commands.map((command) => command.name());
  const command = argv.find((word) => names.includes(word));
  return failure('UsageInvalid', {
    message: error.message.replace(/^error: /, '').replaceAll('\n', ' '),
    hint: `Run "${['rehost', ...(command === undefined ? [] : [command]), '--help'].join(' ')}" to see what it takes.`,
  });
}

/** Runs one command line and answers its exit code; never throws for what a person did. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const exit: ExitCode = { code: EXIT.done };
  const program = createProgram(io, exit);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.done;
    // Without any command the help was printed; that says it all.
    return error.code === 'commander.help'
      ? EXIT.usage
      : printFailure(io, modeIn(argv, io), usage(program, argv, error));
  }
  return exit.code;
}
