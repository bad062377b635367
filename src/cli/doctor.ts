import type { Command } from 'commander';
import { FAILURES, isFailureType, RehostFailure } from '../failures.js';
import { readInventory } from '../spec/load.js';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { checkHost, checkTemporal, leftOversOf, type Check, type HostLeftOvers } from './doctor-checks.js';
import { addTemporalOptions, examples, inventoryOption, switchOption } from './options.js';

interface DoctorOptions {
  readonly leftOvers?: boolean;
  readonly sudoers?: boolean;
}

/** `rehost doctor [HOSTS…]`: settings, Temporal, workers and every host, with a remedy for each fault. */
export function addDoctor(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('doctor [hosts...]'))
    .description('check settings, Temporal, workers and hosts; default: all hosts of the inventory')
    .addOption(inventoryOption())
    .addOption(switchOption('--left-overs', 'list what migrations left on the hosts'))
    .addOption(switchOption('--sudoers', "print each host's sudoers file, also where root works"))
    .addHelpText(
      'after',
      examples('rehost doctor', 'rehost doctor ppm-source -o json', 'rehost doctor --left-overs'),
    );
  define<DoctorOptions>(command, async (context, { args, options }) => {
    const named = args.flatMap((host) => host ?? []);
    const hosts = named.length > 0 ? named : knownHosts(context);
    if (options.leftOvers === true) return printLeftOvers(context, hosts);
    const { settings } = context.configuration;
    const temporal = await checkTemporal(context);
    const reachable = temporal.every(
      (check) => check.failure === undefined || check.failure.type === 'InventoryInvalid',
    );
    const checks = [
      ...temporal,
      ...(reachable
        ? await Promise.all(hosts.map((host) => checkHost(context, host, options.sudoers === true)))
        : []
      ).flat(),
    ];
    const text = [
      ...settings.map((setting) => `      ${setting.name}: ${setting.value || 'none'} (${setting.origin})`),
      ...checks.flatMap(renderCheck),
      ...uncheckedHosts(hosts, reachable),
    ].join('\n');
    context.print({ text, value: { settings, checks } });
    context.exit(worstExit(checks));
  });
}

function uncheckedHosts(hosts: readonly string[], reachable: boolean): readonly string[] {
  if (hosts.length === 0) return ['      no host was checked: name hosts, or an inventory with --inventory'];
  return reachable ? [] : [`      not checked, because of the above: ${hosts.join(', ')}`];
}

function knownHosts(context: CommandContext): readonly string[] {
  const { inventory } = context.configuration;
  return inventory === undefined ? [] : Object.keys(readInventory(inventory).value.hosts);
}

function renderCheck(check: Check): readonly string[] {
  const { failure } = check;
  const notes = check.notes.map((note) => `        ${note}`);
  if (failure === undefined) return [`ok    ${check.title}: ${check.found}`, ...notes];
  return [
    `FAULT ${check.title}: ${failure.message}`,
    ...(failure.detail ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`        ${line}`])),
    `        ${failure.hint}`,
    ...notes,
  ];
}

// The first fault decides: the later ones often follow from it.
function worstExit(checks: readonly Check[]): number {
  const first = checks.find((check) => check.failure !== undefined)?.failure;
  if (first === undefined) return 0;
  return isFailureType(first.type) ? FAILURES[first.type].exitCode : 1;
}

async function printLeftOvers(context: CommandContext, hosts: readonly string[]): Promise<void> {
  if (hosts.length === 0) {
    throw new RehostFailure('UsageInvalid', {
      message: 'no host was named, and no inventory is known here',
      hint: 'Run "rehost doctor --left-overs HOST…", or add --inventory FILE.',
    });
  }
  // A host that is away must not hide what lies on the others: it is told last.
  const asked = await Promise.allSettled(hosts.map((host) => leftOversOf(context, host)));
  const found = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (found.length > 0) context.print({ text: found.flatMap(renderLeftOvers).join('\n'), value: found });
  const failed = asked.find((answer) => answer.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function renderLeftOvers(found: HostLeftOvers): readonly string[] {
  const entries = found.leftOvers.flatMap((entry) => [
    `  ${entry.migration}  ${entry.kind}  ${entry.what} (step ${entry.step})`,
    ...entry.remove.map((line) => `      ${line}`),
  ]);
  const directories = found.migrations.map((name) => `  work directory /var/lib/rehost/${name}`);
  return [
    `${found.host}: ${found.leftOvers.length} left-overs, ${found.migrations.length} work directories`,
    ...entries,
    ...directories,
  ];
}
