import { Command, CommanderError } from 'commander';
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
import { examples } from './options.js';
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
    .showHelpAfterError('(add --help for what this command takes)')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
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

/** Runs one command line and answers its exit code; never throws for what a person did. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const exit: ExitCode = { code: EXIT.done };
  try {
    await createProgram(io, exit).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return exit.code;
}
