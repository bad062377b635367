/*
 * Shell lines that fence a systemd service and take the fence down: pure, shared by action, undo, preview and UNDO.md.
 */
import { toShellLine, type Argv } from '../formats/shell.js';
import type { Effect } from './contract.js';
import { migrationDir } from './paths.js';

/** The service and the migration whose fence it is. */
export interface FenceTarget {
  readonly unit: string;
  readonly migration: string;
}

/** The drop-in that keeps the service from starting; it survives reboots. @see systemd.unit(5), AssertPathExists= */
export const fenceDropInPath = (unit: string): string => `/etc/systemd/system/${unit}.d/rehost-fence.conf`;

// An unmet condition lets "systemctl start" exit 0 and a person believes that it runs; an assertion fails loudly.
const assertedPath = (migration: string): string => `${migrationDir(migration)}/fence-is-up-see-UNDO.md`;

/** Text of the drop-in; names the migration so that a person who finds it knows where to look. */
export const fenceDropInText = (migration: string): string =>
  [
    `# Fence of the rehost migration ${migration}: this service must not start.`,
    `# The way back stands in ${migrationDir(migration)}/UNDO.md`,
    '[Unit]',
    `AssertPathExists=${assertedPath(migration)}`,
    '',
  ].join('\n');

const fenceArgvs = (unit: string) =>
  ({
    directory: ['mkdir', '-p', `/etc/systemd/system/${unit}.d`],
    place: ['mv', '-T', `${fenceDropInPath(unit)}.rehost`, fenceDropInPath(unit)],
    sync: ['sync', `/etc/systemd/system/${unit}.d`],
    reload: ['systemctl', 'daemon-reload'],
    disable: ['systemctl', 'disable', unit],
    stop: ['systemctl', 'stop', unit],
  }) as const satisfies Record<string, Argv>;

/** Places the drop-in, then disables and stops the service. Safe to repeat. */
export function fenceLines({ unit, migration }: FenceTarget): readonly string[] {
  const argvs = fenceArgvs(unit);
  return [
    toShellLine(argvs.directory),
    `${toShellLine(['printf', '%s', fenceDropInText(migration)])} > ${toShellLine([`${fenceDropInPath(unit)}.rehost`])}`,
    toShellLine(argvs.place),
    toShellLine(argvs.sync),
    toShellLine(argvs.reload),
    toShellLine(argvs.disable),
    toShellLine(argvs.stop),
  ];
}

/** What those lines change. */
export function fenceEffects(host: string, { unit }: FenceTarget): readonly Effect[] {
  return Object.values(fenceArgvs(unit)).map((argv) => ({ kind: 'command', host, argv }));
}

const unfenceArgvs = (unit: string) =>
  ({
    remove: ['rm', '-f', fenceDropInPath(unit), `${fenceDropInPath(unit)}.rehost`],
    directory: ['rmdir', '--ignore-fail-on-non-empty', `/etc/systemd/system/${unit}.d`],
    reload: ['systemctl', 'daemon-reload'],
    enable: ['systemctl', 'enable', unit],
    start: ['systemctl', 'start', unit],
  }) as const satisfies Record<string, Argv>;

/** Takes this migration's fence down and puts the service back as it was; another migration's fence stays. Safe to repeat. */
export function unfenceLines(target: FenceTarget & { readonly enabled: boolean; readonly active: boolean }): readonly string[] {
  const { unit, migration, enabled, active } = target;
  const argvs = unfenceArgvs(unit);
  return [
    `if [ ! -e ${fenceDropInPath(unit)} ] || grep -q -F ${toShellLine([migration])} ${fenceDropInPath(unit)}; then`,
    `  ${toShellLine(argvs.remove)}`,
    `  if [ -d /etc/systemd/system/${unit}.d ]; then ${toShellLine(argvs.directory)}; fi`,
    `  ${toShellLine(argvs.reload)}`,
    ...(enabled ? [`  ${toShellLine(argvs.enable)}`] : []),
    ...(active ? [`  ${toShellLine(argvs.start)}`] : []),
    'fi',
  ];
}

/** What those lines change. */
export function unfenceEffects(
  host: string,
  { unit, enabled, active }: FenceTarget & { readonly enabled: boolean; readonly active: boolean },
): readonly Effect[] {
  const { enable, start, ...rest } = unfenceArgvs(unit);
  const argvs: readonly Argv[] = [...Object.values(rest), ...(enabled ? [enable] : []), ...(active ? [start] : [])];
  return argvs.map((argv) => ({ kind: 'command', host, argv }));
}
