import { z } from 'zod';
import { Id, type Sha256 } from '../identifiers.ts';
import { RehearsalSummary, type ServedPeriod } from '../runs/rehearsal.ts';
import { pipeline } from './pipeline.ts';
import { type KeptAnswer, type RunInput, stepOfRun } from './step.ts';

const outcome = z.object({ kind: z.literal('rehearsal'), rehearsalId: Id, ...RehearsalSummary.shape });

const request = z.object({ kind: z.literal('rehearsal'), schemaVersion: z.literal(1), rehearsalId: Id });

interface PlannedRehearsal {
  readonly rehearsalId: Id;
  readonly periods: number;
  /** Number of periods that an earlier execution of the run has recorded. */
  readonly recorded: number;
  readonly rows: Sha256;
}

export interface PeriodInput extends RunInput {
  /** Index of the period; −1 stands for the time before the first period. */
  readonly index: number;
}

type OfRehearsal = { readonly rehearsalId: Id };
type CommandInput = PeriodInput & {
  readonly command: 'ingest' | 'monitor' | 'trigger' | 'settle';
  readonly rows: Sha256;
};

const planned = ({ rehearsalId }: OfRehearsal) => [[{ step: 'planRehearsal', result: { rehearsalId } }]];

export const rehearsalRuns = pipeline({
  kind: 'rehearsal',
  workflow: 'rehearsal',
  queue: 'rehearsal',
  limits: { attempt: '6h', altogether: '36h' },
  atOnce: 8,
  oneAtATime: false,
  waitsForWeeks: true,
  lastSteps: ['finishRehearsal'],
  request,
  outcome,
  describe: ({ promoted, refused, unchanged }: z.infer<typeof outcome>) =>
    `${promoted} promoted, ${refused} refused, ${unchanged} unchanged`,
  steps: {
    planRehearsal: stepOfRun<RunInput, PlannedRehearsal>({
      summary: 'store the rows of the rehearsal',
      proves: 'the rehearsal belongs to this run and is under way',
      keeps: (_, { rehearsalId, rows }) => [{ rehearsalId }, { rows }],
    }),
    /** Sends the rows of the period to the gateway and adds the labels of the rows that were answered. */
    servePeriod: stepOfRun<PeriodInput, { readonly rows: number; readonly served: ServedPeriod }>({
      summary: "serve the period's rows and deliver their labels",
      proves: 'the rehearsal belongs to this run; the period is the next one',
      keeps: ({ index }, { served }) => [{ index, served }],
    }),
    /**
     * Sends one command of the period to the environment's lifecycle. Returns the id of the run that the command
     * created, or null.
     */
    commandPeriod: stepOfRun<CommandInput, { readonly commandedRunId: Id | null }>({
      summary: 'send a command to the lifecycle',
      proves:
        'the rows were returned by `planRehearsal`; the period is the next one; each command is sent once per period',
      takes: ({ rows }) => [[{ step: 'planRehearsal', result: { rows } }]],
      keeps: (_, { commandedRunId }) => [{ commandedRunId }],
    }),
    /** Throws if the awaited run failed or was cancelled. */
    lookAtRun: stepOfRun<RunInput & { readonly awaitedRunId: Id }, { readonly over: boolean }>({
      summary: 'check whether the run has ended',
      proves: 'the run was returned by `commandPeriod`; nothing is committed',
      takes: ({ awaitedRunId }) => [[{ step: 'commandPeriod', result: { commandedRunId: awaitedRunId } }]],
    }),
    /** Approves the pending requests of the environment. `quiet` means that no other run is unfinished. */
    settlePeriod: stepOfRun<PeriodInput & OfRehearsal, { readonly quiet: boolean }>({
      summary: 'vote, and check whether all other runs have ended',
      proves:
        "the rehearsal was returned by `planRehearsal`; the period is the next one; the rehearsal's principal may vote only in the rehearsal's environment",
      takes: planned,
    }),
    /** `served` is the answer of `servePeriod`. It may be absent for a period that is already recorded. */
    recordPeriod: stepOfRun<PeriodInput & OfRehearsal & { readonly served?: ServedPeriod }, void>({
      summary: 'record the period',
      proves:
        'the input was returned by `planRehearsal` and `servePeriod`; the rehearsal run is under way; the period is the next one',
      apart: true,
      takes: ({ rehearsalId, index, served }) => {
        const known: KeptAnswer = { step: 'planRehearsal', result: { rehearsalId } };
        return [served === undefined ? [known] : [known, { step: 'servePeriod', result: { index, served } }]];
      },
    }),
    finishRehearsal: stepOfRun<RunInput & OfRehearsal, z.infer<typeof outcome>>({
      summary: 'summarise the rehearsal',
      proves: 'the rehearsal was returned by `planRehearsal`; the rehearsal run is under way; all periods are recorded',
      takes: planned,
      keeps: (_, summed) => [summed],
    }),
  },
});
