import { configBackup, editCommands, type packageManagerContracts } from '../contracts/package-manager.js';
import { sha256 } from '../digest.js';
import { failure } from '../failures.js';
import { setGcfgValues } from '../formats/gcfg.js';
import { toShellLine, type Argv } from '../formats/shell.js';
import type { ActionContext, ActionResult, Handler } from './action.js';
import { effectContext } from './effect-context.js';

type Adapt = Handler<(typeof packageManagerContracts)['packageManager.adapt@1']>;
type Input = Parameters<Adapt['act']>[0];
type Values = Awaited<ReturnType<Adapt['act']>>['values'];

/**
 * Sets single properties of the configuration file; owner, mode and access list of the file stay, and every other byte.
 *
 * Repeat: safe, a second run finds the values there. The backup is made whole before the file is touched, once: a repeat
 * must not overwrite it with what the first attempt wrote.
 * @throws ConfigurationInvalid when the file is missing, a symbolic link, or not the text that was read
 */
export async function adaptConfig(input: Input, context: ActionContext): Promise<ActionResult<Values>> {
  const { host } = context;
  const before = await host.readFile(input.path);
  if (before === undefined) {
    throw failure('ConfigurationInvalid', {
      message: `${input.path} on ${host.name} does not exist`,
      hint: `Put the file back on ${host.name}, then "rehost retry".`,
    });
  }
  const after = input.edits.reduce((text, edit) => setGcfgValues(text, edit, edit.values), before);
  const edited = input.edits.map((edit) => `${edit.section}.${edit.name}`);
  const values = { edited, digest: sha256(after) };
  if (after === before) return { changed: false, values };
  const script = editScript(input.path, context);
  const said = await host.script(script, [input.path, sha256(before), values.digest], { stdin: after });
  if (said.trim() === 'edited') return { changed: true, values };
  throw refused(said.trim(), input, host.name);
}

// A link is not followed: what it points to may be shared with other hosts or be managed by another tool. A text that is
// not UTF-8 does not have the digest of what was read, and would not come back byte for byte.
function editScript(path: string, context: ActionContext): string {
  const { makeDirectory, keep, copy, temporary, replace } = editCommands(path, effectContext(context.call));
  const lines = (...argvs: readonly Argv[]): string => argvs.map(toShellLine).join('\n');
  const [kept, temp] = [configBackup(context.call), temporary].map((word) => toShellLine([word]));
  return `path=$1 before=$2 after=$3 temp=${temp}
if [ -L "$path" ]; then echo link; exit 0; fi
digest() { sha256sum <"$1" | cut -c1-64; }
if [ "$(digest "$path")" != "$before" ]; then echo other; exit 0; fi
${lines(makeDirectory)}
if [ ! -e ${kept} ]; then
${lines(...keep)}
fi
trap 'rm -f "$temp"' EXIT
${lines(copy)}
cat >"$temp"
[ "$(digest "$temp")" = "$after" ] || { echo "the content did not arrive whole" >&2; exit 75; }
${lines(...replace)}
echo edited`;
}

function refused(reason: string, input: Input, host: string): Error {
  const wanted = input.edits
    .map((edit) => `${edit.section}.${edit.name} = ${edit.values.join(', ')}`)
    .join('; ');
  const byHand = `set there by hand: ${wanted}; then "rehost retry".`;
  if (reason === 'link') {
    return failure('ConfigurationInvalid', {
      message: `${input.path} on ${host} is a symbolic link; rehost edits a regular file only`,
      detail: 'What it points to may be shared with other hosts or be written by another tool.',
      hint: `Open the file that it points to on ${host}, and ${byHand}`,
    });
  }
  return failure('ConfigurationInvalid', {
    message: `${input.path} on ${host} is not the text that was read a moment ago`,
    detail: 'It was changed in between, or it holds bytes that are not UTF-8, which an edit would not keep.',
    hint: `Open it on ${host}, and ${byHand}`,
  });
}
