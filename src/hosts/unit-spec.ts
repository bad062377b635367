import { createHash } from 'node:crypto';
import { unitDir, unitName } from '../contracts/paths.js';
import { failure } from '../failures.js';
import { canonicalJson } from '../plan/json.js';

/** One long command on a host, named by migration, step and generation. */
export interface UnitSpec {
  readonly migration: string;
  readonly step: string;
  /** Raised by the interpreter when it decides to redo the step, never by a retry of the Activity. From 1. */
  readonly generation: number;
  /** POSIX shell text, run by `sh -eu` as root in the unit's directory, which is also `$REHOST_DIR`. */
  readonly script: string;
  /** Inputs, mode 0600, at `$REHOST_DIR/inputs/<name>`: the only place for secrets, since unit files and argv are public. */
  readonly files?: readonly { readonly name: string; readonly content: string }[];
  /** Properties of the unit, `Name=value` as systemd-run's `-p` takes them; readable by every user of the host. */
  readonly properties?: readonly string[];
  /** After that the host ends the unit. Default 7 days. */
  readonly runtimeMaxSeconds?: number;
  /** File whose last 4 KiB a poll brings along. Default `progress` in the unit's directory. */
  readonly progressFile?: string;
}

/** What the host needs to know of a unit, checked. */
export interface UnitPlace {
  /** Name with `.service`. */
  readonly unit: string;
  readonly directory: string;
  /** SHA-256, hex, over script and files: another content under the same name is a conflict. */
  readonly hash: string;
  readonly progressFile: string;
}

/**
 * systemd refuses names of 256 bytes and more, `.service` included.
 * @see systemd.unit(5): "must not exceed 255 characters"
 */
export const UNIT_NAME_LIMIT = 255;
/** A step's unit may run for a week unless its spec says otherwise; then a forgotten one ends by itself. */
export const RUNTIME_MAX_SECONDS = 7 * 24 * 3600;

const NAME = /^[A-Za-z0-9][A-Za-z0-9:_.-]*$/;
const PROPERTY = /^[A-Z][A-Za-z0-9]*=[^\n]*$/;

/** Names and hash of a unit. @throws ContractViolated for names that systemd or a path would not take */
export function unitPlace(spec: UnitSpec): UnitPlace {
  const { migration, step, generation, script, files = [] } = spec;
  const unit = `${unitName(migration, step, generation)}.service`;
  const problems = [
    ...[migration, step, ...files.map((file) => file.name)]
      .filter((name) => !NAME.test(name))
      .map((name) => `name "${name}"`),
    ...(Number.isSafeInteger(generation) && generation >= 0 ? [] : [`generation ${generation}`]),
    ...(unit.length <= UNIT_NAME_LIMIT
      ? []
      : [`a unit name of ${unit.length} characters, at most ${UNIT_NAME_LIMIT}`]),
    ...(spec.properties ?? [])
      .filter((property) => !PROPERTY.test(property))
      .map((property) => `property "${property}"`),
  ];
  if (problems.length > 0) {
    throw failure('ContractViolated', {
      message: `the unit of step ${step} cannot be made: ${problems.join(', ')}`,
      hint: 'This is a bug of rehost: please report it with the plan.',
    });
  }
  const directory = unitDir(migration, step, generation);
  const hash = createHash('sha256').update(canonicalJson({ script, files })).digest('hex');
  return { unit, directory, hash, progressFile: spec.progressFile ?? `${directory}/progress` };
}
