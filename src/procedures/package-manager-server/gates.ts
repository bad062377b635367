import { formatBytes } from '../../formats/quantities.js';
import { approvalsOf, type GateId, type Spec } from '../../spec/spec-schema.js';
import type { Forecast, Gate, PreflightCheck, Step } from '../../plan/types.js';

/** What the four gates tell and ask; the vendor's words where they are the vendor's. */
export interface GateInput {
  readonly spec: Spec;
  readonly preflight: readonly PreflightCheck[];
  readonly forecast: Forecast;
  readonly target: { readonly paths: readonly string[]; readonly bytes: number; readonly inodes: number };
  readonly dataDir: string;
}

const gate = (
  input: GateInput,
  id: GateId,
  rest: Pick<Gate, 'title' | 'explains' | 'questions' | 'evidence'> & {
    readonly meanwhile?: Gate['meanwhile'];
  },
): Gate => {
  const { meanwhile, ...words } = rest;
  return { id, ...words, ...approvalsOf(input.spec, id), ...(meanwhile === undefined ? {} : { meanwhile }) };
};

/** Before anything is changed: the plan, the preflight and the organisation's own decisions. */
export function beginGate(input: GateInput): Gate {
  const warnings = input.preflight.filter((check) => check.severity === 'warning');
  return gate(input, 'begin', {
    title: 'May the migration begin?',
    explains: [
      'After this vote both hosts are claimed, caches on the source are cleared and copies run while the source serves.',
      'Production stays up. Everything of this phase can be undone, but for the cleared caches: they are fetched again.',
      ...warnings.map(
        (check) => `warning ${check.id}: ${check.title}; found: ${check.found}. ${check.remedy}`,
      ),
    ],
    questions: [
      {
        id: 'phase-1-accepted',
        expect: 'yes',
        text: 'Is the acceptance testing of Phase 1 on the target complete?',
        requirements: ['TEAM2-GEN-01'],
      },
      {
        id: 'users-consulted',
        expect: 'text',
        text: 'Who of the users was consulted about moving the data?',
        requirements: ['TEAM2-PM-01'],
      },
      {
        id: 'why-move',
        expect: 'text',
        text: 'Why is the data moved rather than repositories set up afresh?',
        requirements: ['TEAM2-PM-10', 'TEAM2-PM-12', 'TEAM2-PM-13'],
      },
      {
        id: 'single-node',
        expect: 'yes',
        text: 'Is this a single-node installation that stays one, on the same architecture?',
        requirements: ['TEAM0-SC-05', 'TEAM0-SC-07'],
      },
      {
        id: 'upgrade-only',
        expect: 'no',
        text: 'Is only a version upgrade wanted (then the upgrade guide of the vendor applies, not this run)?',
        requirements: ['TEAM0-SC-03'],
      },
      ...(warnings.length === 0
        ? []
        : [
            {
              id: 'warnings-accepted',
              expect: 'yes' as const,
              text:
                warnings.length === 1
                  ? 'Is the warning of the preflight acceptable?'
                  : `Are the ${warnings.length} warnings of the preflight acceptable?`,
              requirements: ['TEAM2-PM-14'],
            },
          ]),
    ],
    evidence: [],
  });
}

/** Before the source is stopped: the downtime, and who was told. */
export function stopSourceGate(
  input: GateInput,
  warm: { readonly evidence: readonly string[]; readonly meanwhile: Step },
): Gate {
  const minutes = Math.max(1, Math.ceil(input.forecast.downtimeMs / 60_000));
  return gate(input, 'stop-source', {
    title: 'May production be stopped now?',
    explains: [
      `The source is stopped, disabled and fenced; from then until the target serves, users have no Package Manager. Forecast: about ${minutes} min.`,
      'The source stays stopped afterwards (source.afterFinalCopy: hold): it is not restarted, so no later change can be missed.',
      'A rollback from here starts the source again before anything else.',
    ],
    questions: [
      {
        id: 'users-told',
        expect: 'text',
        text: 'Who told the users when the service will be down, and for how long?',
        requirements: ['TEAM2-PM-15'],
      },
      {
        id: 'meanwhile-plan',
        expect: 'text',
        text: 'What happens to publications that users want to make during the downtime?',
        requirements: ['TEAM2-GEN-04', 'TEAM2-GEN-05', 'TEAM2-PM-26', 'TEAM2-PM-27'],
      },
    ],
    evidence: warm.evidence,
    meanwhile: { step: warm.meanwhile, everySeconds: 900 },
  });
}

/** Before the target's data is replaced: what it holds, and that the copy is proven. */
export function replaceGate(input: GateInput, evidence: readonly string[]): Gate {
  return gate(input, 'replace-target-data', {
    title: 'May the data of the target be replaced?',
    explains: [
      `The target holds ${formatBytes(input.target.bytes)} in ${input.target.inodes} entries in ${input.target.paths.join(', ')}; Phase 1 tests may have left them there.`,
      'All of it is replaced by the verified copy. What was there is kept beside it as the restore point, and a rollback puts it back.',
      'From here a rollback needs the votes of this gate.',
    ],
    questions: [
      {
        id: 'staging-data',
        expect: 'yes',
        text: 'May all data that the target holds now be replaced?',
        requirements: ['TEAM2-PM-28', 'TEAM2-PM-29'],
      },
    ],
    evidence,
  });
}

/** Before users are sent to the target. */
export function handOverGate(input: GateInput, evidence: readonly string[]): Gate {
  return gate(input, 'hand-over', {
    title: 'May users be handed over to the target?',
    explains: [
      'The target serves the moved data and answers every recorded address as the source did.',
      'Going live is recorded first. A rollback after it loses what users did on the target since then.',
      'The source stays fenced. Restore points stay until a person removes them with the command in the report.',
    ],
    questions: [
      {
        id: 'traffic',
        expect: 'text',
        text: 'Who sends users to the target (DNS, load balancer), and when?',
        requirements: ['TEAM2-GEN-06'],
      },
    ],
    evidence,
  });
}
