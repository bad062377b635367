import type { Argv } from '../formats/shell.js';
import type { Effect } from './contract.js';
import { CLAIM_PATH, STATE_ROOT } from './paths.js';

/**
 * What rehost does on a host for its own bookkeeping: claim, ledger, UNDO.md, journal, and the units themselves.
 *
 * All of it is below /var/lib/rehost or a unit named rehost-<migration>-…; `plan` shows it once, not for each step.
 * A test runs all of it on a host and holds the host's record of executed programs against this list.
 */
export function ownEffects(host: string, migration: string): readonly Effect[] {
  const below = `${STATE_ROOT}/${migration}`;
  const any = `${below}/<…>`;
  const unit = `rehost-${migration}-<…>.service`;
  const commands: readonly Argv[] = [
    ['mkdir', '-p', '--', STATE_ROOT],
    ['mkdir', '-p', '--', below],
    ['mkdir', '-p', '--', any],
    ['touch', '--', any],
    ['chmod', '<…>', any],
    ['chown', '<…>', any],
    ['sync', '<…>'],
    ['mv', '-T', any, any],
    ['mv', '-T', '--', any, any],
    ['mv', '-T', 'exit.temp', 'exit'],
    ['rm', '-f', any],
    ['rm', '-f', '--', any],
    ['ln', '-T', 'started.<…>', 'started'],
    ['rm', '-f', 'started.<…>'],
    ['ln', '-T', '--', `${STATE_ROOT}/.claim.<…>`, CLAIM_PATH],
    ['rm', '-f', '--', `${STATE_ROOT}/.claim.<…>`],
    ['rm', '-f', '--', CLAIM_PATH],
    ['systemd-run', '--quiet', `--unit=${unit}`, '<…>'],
    ['systemctl', 'stop', '--', unit],
    ['systemctl', 'reset-failed', '--', unit],
  ];
  return [
    ...commands.map((argv): Effect => ({ kind: 'command', host, argv })),
    { kind: 'write', host, path: any, mode: '0600' },
    { kind: 'write', host, path: CLAIM_PATH, mode: '0600' },
  ];
}
