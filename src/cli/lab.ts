import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import type { Lab } from '../../lab/lab.js';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { addCommonOptions, examples, valueOption, wholeNumber } from './options.js';
import { table } from './output.js';

interface LabFlags {
  readonly lab?: string;
  readonly packages?: number;
  readonly packageBytes?: number;
}

// Loaded when a lab is asked for: every other command starts without it.
const tools = () => import('../../lab/lab.js');

/** `rehost lab up|down|reset|status|ssh`: a source and a target to practise on. */
export function addLab(program: Command, define: Define): void {
  const lab = program
    .command('lab')
    .enablePositionalOptions()
    .description('a source and a target host to practise on, in containers')
    .addHelpText(
      'after',
      examples('rehost lab up', 'rehost lab ssh ppm-source', 'rehost lab reset', 'rehost lab down'),
    );
  define<LabFlags>(
    sized(lab.command('up'), 'bring both hosts up; what is up stays as it is'),
    async (context, { options }) =>
      show(context, await (await tools()).labUp({ ...toLab(options), say: context.say })),
  );
  define<LabFlags>(
    sized(lab.command('reset'), 'put both hosts back to the seeded state'),
    async (context, { options }) =>
      show(context, await (await tools()).labReset({ ...toLab(options), say: context.say })),
  );
  define<LabFlags>(named(lab.command('down'), 'remove both hosts'), async (context, { options }) => {
    await (await tools()).labDown(toLab(options));
    context.say('The lab is gone.');
  });
  define<LabFlags>(named(lab.command('status'), 'show where the hosts are'), async (context, { options }) => {
    const status = await (await tools()).labStatus(toLab(options));
    const rows = status.hosts.map((host) => [
      host.name,
      host.state,
      `127.0.0.1:${host.port}`,
      host.container,
    ]);
    const text =
      status.lab === undefined
        ? `lab ${status.name} is not up`
        : table([['HOST', 'STATE', 'SSH', 'CONTAINER'], ...rows]);
    context.print({ text, value: status });
  });
  const ssh = addCommonOptions(lab.command('ssh <host> [command...]'))
    .description('log in to a host as rehost does, or run a command there')
    .addOption(labOption())
    .passThroughOptions()
    .addHelpText(
      'after',
      examples('rehost lab ssh ppm-source', 'rehost lab ssh ppm-target sudo journalctl -u rstudio-pm -n 20'),
    );
  define<LabFlags>(ssh, async (context, { args, options }) => {
    const [host = '', ...words] = args.flatMap((word) => word ?? []);
    context.exit(await runHere((await tools()).labSsh(host, words, toLab(options))));
  });
}

const toLab = ({ lab, ...sizes }: LabFlags): { name?: string; packages?: number; packageBytes?: number } => ({
  ...sizes,
  ...(lab === undefined ? {} : { name: lab }),
});

const labOption = () => valueOption('--lab <name>', 'which lab; default: rehost');

const named = (command: Command, description: string): Command =>
  addCommonOptions(command)
    .description(description)
    .addOption(labOption())
    .addHelpText('after', examples(`rehost lab ${command.name()}`));

const sized = (command: Command, description: string): Command =>
  named(command, description)
    .addOption(valueOption('--packages <n>', 'packages that the source serves').argParser(wholeNumber(1)))
    .addOption(valueOption('--package-bytes <n>', 'bytes of each').argParser(wholeNumber(1)));

function show(context: CommandContext, lab: Lab): void {
  const rows = Object.entries(lab.hosts).map(([name, host]) => [
    name,
    `127.0.0.1:${host.port}`,
    host.hostKey,
  ]);
  const text = `${table([['HOST', 'SSH', 'HOST KEY'], ...rows])}\ninventory ${lab.inventory}`;
  context.print({ text, value: lab });
}

function runHere([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}
