/* The rows of bad-input.test.ts: what is spoiled, and what must be told. */
import type { Refusal } from '../told.js';
import type { Bench, Entry } from './fault-bench.js';
import { SPEC } from './world.js';

const DATA = '/srv/ppm/data';
const DOCTOR = 'rehost doctor';
/** The spec of the tests with its ends the wrong way round. */
export const SWAPPED = SPEC.replace('source: ppm-source', 'source: ppm-target').replace(
  'target: ppm-target',
  'target: ppm-source',
);

/** Specs that are refused. */
export const SPEC_ROWS: readonly (readonly [what: string, spec: string, refusal: Refusal])[] = [
  [
    'an unknown key',
    SPEC.replace('source:', 'soruce:'),
    {
      code: 2,
      type: 'SpecInvalid',
      message: 'migration.yaml has 2 problems',
      detail: ['migration.yaml:2:1: unknown key "soruce"; did you mean "source"?', 'source is missing'],
      hint: 'rehost plan ',
    },
  ],
  [
    'a wrong type',
    SPEC.replace('votes: 2', 'votes: two'),
    {
      code: 2,
      type: 'SpecInvalid',
      message: 'migration.yaml has 1 problem',
      detail: 'migration.yaml:4:49: approvals.votes wants a number, found "two"',
      hint: 'rehost init --schema spec',
    },
  ],
  [
    'several mistakes at once',
    `${SPEC.replace('votes: 2', 'votes: 0')}ownrs: name\ntransfer: { limit: fast }\n`,
    {
      code: 2,
      type: 'SpecInvalid',
      message: 'migration.yaml has 3 problems',
      detail: [
        'migration.yaml:4:49: approvals.votes ',
        'migration.yaml:5:1: unknown key "ownrs"; did you mean "owners"?',
        'migration.yaml:6:20: transfer.limit ',
      ],
      hint: 'Correct each place',
    },
  ],
  [
    'one host as both ends',
    SPEC.replace('target: ppm-target', 'target: ppm-source'),
    {
      code: 2,
      type: 'SourceEqualsTarget',
      message: 'source and target are both "ppm-source"',
      detail: 'migration.yaml:3:1: target names the same host',
      hint: 'Name the new server as target',
    },
  ],
  [
    'a host that the inventory lacks',
    SPEC.replace('ppm-target', 'ppm-tagret'),
    {
      code: 2,
      type: 'HostUnknown',
      message: 'the inventory has no host "ppm-tagret"; the nearest name is "ppm-target"',
      detail: 'It has: ppm-source, ppm-target.',
      hint: 'Correct the name in the spec, or add the host to the inventory; then run "rehost plan" again.',
    },
  ],
  [
    'voters who are too few without the requester',
    SPEC.replace('[dba, lead, owner]', '[requester, lead]'),
    {
      code: 2,
      type: 'ApprovalsImpossible',
      message: 'could never open',
      detail: 'gate begin: 2 votes of 1 voters (lead)',
      hint: 'Name more voters',
    },
  ],
];

/** Changes of the target's entry in the worker's inventory, after which it is not reached. */
export const REACH_ROWS: readonly (readonly [
  what: string,
  spoil: (entry: Entry, bench: Bench) => void,
  refusal: Refusal,
])[] = [
  [
    'its host key is not known to anybody',
    (entry, bench) => {
      Reflect.deleteProperty(entry, 'hostKey');
      entry['knownHosts'] = bench.file('empty-known-hosts', '');
    },
    {
      code: 1,
      type: 'HostKeyUnknown',
      message: 'which nobody has accepted yet',
      detail: 'empty-known-hosts has a key for 127.0.0.1 port',
      hint: 'hostKey: "SHA256:',
    },
  ],
  [
    'it shows another host key than the inventory wants',
    (entry, bench) => {
      entry['hostKey'] = bench.world.lab.hosts['ppm-source'].hostKey;
    },
    {
      code: 1,
      type: 'HostKeyMismatch',
      message: 'host ppm-target shows host key SHA256:',
      detail: 'The wanted key stands in the inventory',
      hint: 'ssh-keygen -lf',
    },
  ],
  [
    'nothing listens on its port',
    (entry) => {
      entry['port'] = 1;
    },
    {
      code: 1,
      type: 'SshRefused',
      message: 'host ppm-target refused the connection: nothing listens on the port',
      detail: '127.0.0.1 port 1',
      hint: 'systemctl status ssh',
    },
  ],
  [
    'it does not let the account in',
    (entry) => {
      entry['user'] = 'nobody';
    },
    {
      code: 1,
      type: 'SshDenied',
      message: 'host ppm-target denied the log-in of nobody',
      detail: 'Offered to 127.0.0.1 port',
      hint: 'authorized_keys',
    },
  ],
  [
    'its name has no address',
    (entry) => {
      entry['address'] = 'no-such-host.invalid';
    },
    {
      code: 1,
      type: 'SshUnreachable',
      message: 'host ppm-target is unreachable: the name has no address',
      detail: 'no-such-host.invalid',
      hint: DOCTOR,
    },
  ],
];

/** One thing that is spoiled on a host from outside, and how it is put right. */
export type Spoiled = readonly [
  what: string,
  on: 'ppm-source' | 'ppm-target',
  spoil: string,
  heal: string,
  refusal: Refusal,
];

/** Refused by preflight checks; the detail names each with what was found and wanted, and its remedy. */
export const blocked = (detail: string | readonly string[]): Refusal => ({
  code: 3,
  type: 'PreflightBlocked',
  message: 'the migration; nothing was changed',
  detail,
  hint: 'then run "rehost plan" again',
});

/** What is told when the server with the data is named as the target. */
export const SWAPPED_ENDS = blocked([
  'PM-DIRECTION: ',
  'target holds ',
  'Check that source and target are not swapped',
]);

// The data directory gets a small file system of its own below it; the product holds its files open and goes on.
const smallTmpfs = (option: string): string =>
  `mkdir -p /mnt/held; mount --bind /srv/ppm /mnt/held; mount -t tmpfs -o ${option} tmpfs /srv/ppm; mkdir -m 0701 ${DATA}; chown rstudio-pm: ${DATA}; cp -a /mnt/held/data/rstudio-pm.key ${DATA}/`;
const withoutTmpfs = 'umount /srv/ppm; umount /mnt/held; rmdir /mnt/held';

/** What is wrong on a host when a plan is made. */
export const SPOILED: readonly Spoiled[] = [
  [
    'sudo is not granted',
    'ppm-target',
    'mv /etc/sudoers.d/rehost /root/sudoers-kept',
    'mv /root/sudoers-kept /etc/sudoers.d/rehost',
    {
      code: 1,
      type: 'SudoMissing',
      message: 'rehost may not become root on host ppm-target without a password',
      detail: 'sudo -n answered: ',
      hint: DOCTOR,
    },
  ],
  [
    'the target has no product',
    'ppm-target',
    'mv /opt/rstudio-pm/bin/rstudio-pm /root/program-kept',
    'mv /root/program-kept /opt/rstudio-pm/bin/rstudio-pm',
    {
      code: 3,
      type: 'ProductMissing',
      message: 'host ppm-target has no Package Manager',
      detail: 'LoadState=loaded',
      hint: 'Install Posit Package Manager on ppm-target',
    },
  ],
  [
    'the product of the target is older',
    'ppm-target',
    'cp -p /opt/rstudio-pm/VERSION /root/version-kept; echo 2025.09.1 >/opt/rstudio-pm/VERSION',
    'cp -p /root/version-kept /opt/rstudio-pm/VERSION; rm /root/version-kept',
    blocked([
      'PM-VERSION: ',
      'found source 2026.04.1, target 2025.09.1, wanted target not older than source. Upgrade Package Manager on ppm-target',
    ]),
  ],
  [
    'the target has too little disk',
    'ppm-target',
    smallTmpfs('size=256k'),
    withoutTmpfs,
    blocked(['SPACE-BYTES-data: ', ' KiB free, wanted ', 'Make room on the file system of /srv/ppm/data']),
  ],
  [
    'the target has too few inodes',
    'ppm-target',
    smallTmpfs('size=64m,nr_inodes=40'),
    withoutTmpfs,
    blocked(['SPACE-INODES-data: ', ' inodes free, wanted ', 'on ppm-target']),
  ],
  [
    'another file system is mounted below the data of the target',
    'ppm-target',
    `mkdir '${DATA}/other disk'; mount -t tmpfs none '${DATA}/other disk'`,
    `umount '${DATA}/other disk'; rmdir '${DATA}/other disk'`,
    blocked(['PM-MOUNTS: ', `found ${DATA}/other disk, wanted none`, 'On ppm-target, mount it elsewhere']),
  ],
  [
    'accounts that the target lacks own data of the source, or stand in its access lists',
    'ppm-source',
    `groupadd curators; useradd -M -g curators ada; chown ada:curators ${DATA}/packages; useradd -M bob; setfacl -d -m u:bob:r ${DATA}/metrics`,
    `chown --reference=${DATA} ${DATA}/packages; setfacl -b ${DATA}/metrics; userdel ada; userdel bob; groupdel curators 2>/dev/null || :`,
    blocked([
      'PM-OWNERS: ',
      'ppm-target lacks user ada, group curators, user bob',
      'Create them on ppm-target',
    ]),
  ],
  [
    'the data of the target is newer than that of the source, and no finished migration explains it',
    'ppm-target',
    `f=$(find ${DATA}/packages -type f | head -n 1); cp -p "$f" /root/file-kept; echo "$f" >/root/name-kept; touch -d '+2 days' "$f"`,
    'touch -r /root/file-kept "$(cat /root/name-kept)"; rm /root/file-kept /root/name-kept',
    blocked(['PM-DIRECTION: ', 'finished migrations on the target: no record', 'not swapped']),
  ],
  [
    'the source does not serve',
    'ppm-source',
    'systemctl stop rstudio-pm',
    'systemctl start rstudio-pm',
    blocked(['PM-ACTIVE: ', 'found inactive, wanted active. Start rstudio-pm on ppm-source']),
  ],
];
