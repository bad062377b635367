import type { filesContracts } from '../contracts/files.js';
import { pullKeyPath } from '../contracts/files-peer.js';
import { keygenArgv } from '../contracts/files-pull.js';
import {
  authorizedKeysLine,
  AUTHORIZE_LOCK,
  AUTHORIZE_SCRIPT,
  markPattern,
  serveScript,
} from '../contracts/files-serve.js';
import { stepDir } from '../contracts/paths.js';
import { toShellLine } from '../formats/shell.js';
import type { Handler } from './action.js';
import { effectContext } from './effect-context.js';
import { askAddress, preparePeer } from './files-peer.js';

/** Makes the key pair once; a repeat answers the same key. */
export const pullKey: Handler<(typeof filesContracts)['files.pullKey@1']> = {
  async act(_input, context) {
    const { call, host } = context;
    const key = pullKeyPath(call.migration, call.step);
    const answer = await host.script(
      `mkdir -p -m 0700 "$1"
if [ -s "$2" ] && [ -s "$2.pub" ]; then echo kept; else
  rm -f -- "$2" "$2.pub"
  ${toShellLine(keygenArgv(effectContext(call)))}
  echo made
fi
cut -d ' ' -f 1,2 "$2.pub"
ssh-keygen -l -f "$2.pub" | cut -d ' ' -f 2`,
      [stepDir(call.migration, call.step), key],
    );
    const [state = '', publicKey = '', fingerprint = ''] = answer.trim().split('\n');
    return { changed: state === 'made', values: { publicKey, fingerprint } };
  },
};

/**
 * Writes the forced command and our line; the line is bound to the address from which the target was seen to come.
 *
 * Until that address is known the key may only be used without `from=`, by whoever holds it: the target alone.
 */
export const authorize: Handler<(typeof filesContracts)['files.authorize@1']> = {
  async act(input, context) {
    const { call, host: source, hosts } = context;
    const effect = effectContext(call);
    const directory = stepDir(call.migration, call.step);
    const target = hosts.get(input.target);
    const access = { source, target, migration: call.migration, step: call.step, keyStep: input.keyStep };
    await source.script('mkdir -p -m 0700 "$1"', [directory]);
    const served = await source.writeFile(`${directory}/serve-tree`, serveScript(input.path), {
      mode: '0700',
    });
    const install = (from: string | undefined): Promise<string> => {
      const line = authorizedKeysLine(effect, {
        publicKey: input.publicKey,
        asRoot: source.user === 'root',
        ...(from === undefined ? {} : { from }),
      });
      const values = [directory, markPattern(effect), source.user, line, AUTHORIZE_LOCK];
      return source.script(AUTHORIZE_SCRIPT, values);
    };
    const config = await preparePeer(access);
    let authorizedKeys = await install(input.from);
    const from = input.from ?? (await askAddress(access, config));
    if (input.from === undefined) authorizedKeys = await install(from);
    // Proof that the final line works: the same question again, now under from=.
    await askAddress(access, config);
    return { changed: served, values: { account: source.user, authorizedKeys: authorizedKeys.trim(), from } };
  },
};
