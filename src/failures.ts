/*
 * The catalogue of failures. Each has an exit code of the CLI and says whether Temporal may retry the Activity.
 * `docs/failures.md` has one entry per key; a unit test compares the two lists.
 */

/** One kind of failure. `retryable`: the Activity may be tried again by policy; otherwise the step parks at once. */
export interface FailureKind {
  readonly exitCode: number;
  readonly retryable: boolean;
}

const kind = (exitCode: number, retryable = false): FailureKind => ({ exitCode, retryable });

/** All failures rehost can name; the key is the `type` of the Temporal ApplicationFailure. */
export const FAILURES = {
  // what a person wrote
  UsageInvalid: kind(2),
  SpecInvalid: kind(2),
  InventoryInvalid: kind(2),
  HostUnknown: kind(2),
  SourceEqualsTarget: kind(2),
  ApprovalsImpossible: kind(2),
  PlanTooLarge: kind(2),
  PlanEdited: kind(2),
  PlanUnreadable: kind(2),
  SecretMissing: kind(2),
  // what stands against starting
  PreflightBlocked: kind(3),
  ProductMissing: kind(3),
  Refused: kind(4),
  VerificationDiffers: kind(5),
  ClaimForeign: kind(8),
  RunActive: kind(8),
  PlanStale: kind(8),
  HostIdentityChanged: kind(8),
  RunNotFound: kind(2),
  TemporalUnreachable: kind(11),
  NoWorker: kind(11),
  // reaching a host
  HostKeyUnknown: kind(1),
  HostKeyMismatch: kind(1),
  SshRefused: kind(1, true),
  SshDenied: kind(1),
  SshUnreachable: kind(1, true),
  ConnectionLost: kind(1, true),
  IdentityFileUnreadable: kind(2),
  SudoMissing: kind(1),
  ToolMissing: kind(1),
  // commands and units on a host
  CommandFailed: kind(1),
  CommandTimedOut: kind(1, true),
  UnitFailed: kind(1),
  UnitLost: kind(1),
  UnitConflict: kind(1),
  UnitStopped: kind(1),
  HostAway: kind(1),
  HostRestarted: kind(1),
  // moving and checking data
  DiskFull: kind(1),
  FenceBroken: kind(1),
  ServiceStillRunning: kind(1),
  ServiceNotStarted: kind(1),
  RenameCrossedDevices: kind(1),
  SwapInconsistent: kind(1),
  DatabaseDamaged: kind(5),
  KeyDiffers: kind(5),
  ConfigurationInvalid: kind(1),
  ProductAnswersWrong: kind(1),
  ReferenceMissing: kind(1),
  // bugs
  ContractViolated: kind(1),
  Unexpected: kind(1),
} as const satisfies Record<string, FailureKind>;

/** Key of the catalogue. */
export type FailureType = keyof typeof FAILURES;

/** The three parts of a failure's text, after PostgreSQL's error style: fact, evidence, next command. */
export interface FailureText {
  readonly message: string;
  readonly detail?: string;
  readonly hint: string;
}

/** A failure of the catalogue as a value; crosses Temporal as an ApplicationFailure (see activities/failures.ts). */
export class RehostFailure extends Error {
  readonly type: FailureType;
  readonly detail: string | undefined;
  readonly hint: string;

  constructor(type: FailureType, text: FailureText, options?: { cause?: unknown }) {
    super(text.message, options);
    this.name = 'RehostFailure';
    this.type = type;
    this.detail = text.detail;
    this.hint = text.hint;
  }

  /** Exit code of the CLI for this failure. */
  get exitCode(): number {
    return FAILURES[this.type].exitCode;
  }
}

/** Makes a failure to throw: `throw failure('SshDenied', { message, hint })`. */
export function failure(type: FailureType, text: FailureText, options?: { cause?: unknown }): RehostFailure {
  return new RehostFailure(type, text, options);
}

/** Whether a text is a key of the catalogue (a failure that came back over Temporal carries it as `type`). */
export function isFailureType(text: string | null | undefined): text is FailureType {
  return text !== null && text !== undefined && Object.hasOwn(FAILURES, text);
}
