/*
 * Shell lines of the fence: what a person reads in UNDO.md, what the Activity runs and what `plan` prints are these.
 */
import { quoteWord, toShellLine, type Argv } from '../formats/shell.js';
import type { Effect } from './contract.js';

/** A service and the migration that fences it. */
export interface FencedUnit {
  readonly unit: string;
  readonly migration: string;
}

/** A service's state before the fence, to which taking it down returns. */
export interface FormerState extends FencedUnit {
  readonly enabled: boolean;
  readonly active: boolean;
}

const DROP_IN = 'rehost-fence.conf';
const withSuffix = (unit: string): string => (/\.[a-z]+$/.test(unit) ? unit : `${unit}.service`);

/** Directory of a unit's persistent drop-ins. */
export const dropInDirectory = (unit: string): string => `/etc/systemd/system/${withSuffix(unit)}.d`;
/** The drop-in that is the fence. */
export const fenceDropInPath = (unit: string): string => `${dropInDirectory(unit)}/${DROP_IN}`;

/** A path that never exists; systemd prints it in the journal when somebody starts the fenced unit. */
export const fenceAssertedPath = (migration: string): string =>
  `/nonexistent/fenced-by-rehost-migration-${migration}`;

/**
 * Content of the drop-in, without a line break at its end.
 *
 * An assertion, not a condition: an unmet `ConditionPathExists=` lets `systemctl start` exit 0 and a person believes
 * that the service runs. `systemctl mask` does not work for units in /etc/systemd/system.
 * @see systemd.unit(5), CONDITIONS AND ASSERTS
 */
export const fenceDropInText = (migration: string): string =>
  [
    `# Written by rehost for migration ${migration}: this service moved or is moving, starting it would lose data.`,
    `# How to take it back: /var/lib/rehost/${migration}/UNDO.md`,
    '[Unit]',
    `AssertPathExists=${fenceAssertedPath(migration)}`,
  ].join('\n');

const temporary = (unit: string): string => `${dropInDirectory(unit)}/.${DROP_IN}.temp`;

/** Commands that raise a fence, in order; the drop-in's text is written between the first and the second. */
const fenceCommands = ({ unit }: FencedUnit): { readonly make: Argv; readonly after: readonly Argv[] } => ({
  make: ['mkdir', '-p', dropInDirectory(unit)],
  after: [
    ['chmod', '0644', temporary(unit)],
    ['sync', temporary(unit)],
    ['mv', '-T', temporary(unit), fenceDropInPath(unit)],
    ['systemctl', 'daemon-reload'],
    ['systemctl', 'stop', withSuffix(unit)],
    ['systemctl', '--quiet', 'disable', withSuffix(unit)],
  ],
});

/** Lines that stop a service, disable it and keep it from being started; safe to repeat. */
export function fenceLines(fenced: FencedUnit): readonly string[] {
  const { make, after } = fenceCommands(fenced);
  const write = `printf '%s\\n' ${quoteWord(fenceDropInText(fenced.migration))} > ${quoteWord(temporary(fenced.unit))}`;
  return [toShellLine(make), write, ...after.map(toShellLine)];
}

/** Lines that take a fence down and give the service its former state back; safe to repeat and without a fence. */
export function unfenceLines(former: FormerState): readonly string[] {
  const directory = quoteWord(dropInDirectory(former.unit));
  const unit = quoteWord(withSuffix(former.unit));
  return [
    `rm -f ${quoteWord(fenceDropInPath(former.unit))}`,
    `[ ! -d ${directory} ] || rmdir --ignore-fail-on-non-empty ${directory}`,
    'systemctl daemon-reload',
    ...(former.enabled ? [`systemctl --quiet enable ${unit}`] : []),
    ...(former.active
      ? [
          `if systemctl --quiet is-failed ${unit}; then systemctl reset-failed ${unit}; fi`,
          `systemctl start ${unit}`,
        ]
      : []),
  ];
}

const commands = (host: string, argvs: readonly Argv[]): readonly Effect[] =>
  argvs.map((argv) => ({ kind: 'command', host, argv }));

/** What `fenceLines` changes. */
export function fenceEffects(host: string, fenced: FencedUnit): readonly Effect[] {
  const { make, after } = fenceCommands(fenced);
  const write: Effect = { kind: 'write', host, path: fenceDropInPath(fenced.unit), mode: '0644' };
  return [...commands(host, [make]), write, ...commands(host, after)];
}

/** What `unfenceLines` changes. */
export function unfenceEffects(host: string, former: FormerState): readonly Effect[] {
  const unit = withSuffix(former.unit);
  const enable: Argv = ['systemctl', '--quiet', 'enable', unit];
  return commands(host, [
    ['rm', '-f', fenceDropInPath(former.unit)],
    ['rmdir', '--ignore-fail-on-non-empty', dropInDirectory(former.unit)],
    ['systemctl', 'daemon-reload'],
    ...(former.enabled ? [enable] : []),
    ...(former.active
      ? ([
          ['systemctl', 'reset-failed', unit],
          ['systemctl', 'start', unit],
        ] as const)
      : []),
  ]);
}
