/*
 * Access of the target to one tree of the source: a key made for the migration, and a forced command of ours.
 */
import { z } from 'zod';
import { quoteWord, type Argv } from '../formats/shell.js';
import { contract, type EffectContext } from './contract.js';
import { absolutePath, command, makeStepDir, shortName, stepFile, written } from './files-landing.js';
import { account, peerFiles, pullKeyPath, SCAN_ARGV, stepId } from './files-peer.js';
import { stepDir } from './paths.js';
import { authorizeUndo } from './files-serve.js';

const publicKey = z
  .string()
  .regex(/^ssh-ed25519 [A-Za-z0-9+/=]{60,100}$/, 'an ssh-ed25519 public key without comment');

/** The command that makes the key pair. */
export const keygenArgv = (context: EffectContext): Argv => [
  'ssh-keygen',
  '-q',
  '-t',
  'ed25519',
  '-N',
  '',
  '-C',
  `rehost:${context.migration}:${context.step}`,
  '-f',
  pullKeyPath(context.migration, context.step),
];

const removeKeyArgv = (context: EffectContext): Argv => {
  const key = pullKeyPath(context.migration, context.step);
  return ['rm', '-f', '--', key, `${key}.pub`];
};

/** `files.pullKey@1`: a key pair on the target for one tree; the private half never leaves it. */
export const pullKeyContract = contract({
  summary: 'Makes the key with which the target pulls one tree from the source.',
  input: z.object({}),
  outcome: z.object({ publicKey, fingerprint: z.string() }),
  timeouts: 'short',
  readOnly: false,
  effects: (_input, context) => [
    command(context, makeStepDir(context)),
    command(context, removeKeyArgv(context)),
    command(context, keygenArgv(context)),
  ],
  undo: {
    shell: (_input, context) => [removeKeyArgv(context).map(quoteWord).join(' ')],
    effects: (_input, context) => [command(context, removeKeyArgv(context))],
  },
  leaves: (_input, context) => ({
    kind: 'key',
    what: pullKeyPath(context.migration, context.step),
    remove: [removeKeyArgv(context).map(quoteWord).join(' ')],
  }),
});

/** `files.authorize@1`: the source serves one tree, read-only, to that key. */
export const authorizeContract = contract({
  summary: 'Lets the migration key read one tree of the source, by a forced command and nothing else.',
  input: z.object({
    tree: shortName,
    /** The one directory that the key may read; any path in the client's command is ignored. */
    path: absolutePath,
    publicKey,
    /** The target's host name, and the step that made the key there. */
    target: z.string(),
    keyStep: stepId,
    /** Address that may use the key; without it the one that the source's sshd sees is probed. */
    from: z
      .string()
      .regex(/^[0-9A-Fa-f.:]+$/, 'an IP address')
      .optional(),
  }),
  outcome: z.object({ account, authorizedKeys: z.string(), from: z.string() }),
  timeouts: 'short',
  readOnly: false,
  effects: (input, context) => {
    const target = { ...context, host: input.target };
    const files = peerFiles(stepDir(context.migration, context.step));
    return [
      command(context, makeStepDir(context)),
      written(context, stepFile(context, 'serve-tree'), '0700'),
      command(context, [
        'cp',
        '-p',
        '--',
        '<home>/.ssh/authorized_keys',
        stepFile(context, 'authorized-keys.before'),
      ]),
      command(context, ['mkdir', '-m', '0700', '<home>/.ssh']),
      command(context, ['chown', '<account>:', '<home>/.ssh']),
      ...authorizeUndo.editEffects(context),
      command(target, makeStepDir(target)),
      command(target, SCAN_ARGV),
      written(target, files.knownHosts, '0600'),
      written(target, files.config, '0600'),
      command(target, ['ssh', '-F', files.config, '-T', 'rehost-source', 'address']),
    ];
  },
  undo: {
    shell: (_input, context) => authorizeUndo.shell(context),
    effects: (_input, context) => authorizeUndo.effects(context),
  },
  leaves: (input, context) => ({
    kind: 'authorized-keys-line',
    what: `a line in authorized_keys that lets the target read ${input.path}`,
    remove: authorizeUndo.shell(context),
  }),
});
