import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { Id, Sha256 } from '../contracts/identifiers.ts';
import type { ServedPeriod } from '../contracts/runs/rehearsal.ts';
import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { rehearsalRuns } from '../contracts/pipelines/rehearsal-runs.ts';
import { stepsOf } from './running/step-proxies.ts';
import { runPipeline } from './running/run-pipeline.ts';
import type { Nudged } from './running/waiting.ts';
import { backOff, takeNudges } from './running/waiting.ts';

// The lifecycle of the rehearsal's environment nudges it when something has ended or asks for a vote. A lost nudge is
// caught by looking again.
const looks = { firstMs: 1_000, longestMs: 300_000 };

const steps = stepsOf(rehearsalRuns);

type Step = 'serve' | 'ingest' | 'monitor' | 'build' | 'record';

/** The state of a rehearsal: everything that the next execution needs when the workflow continues as new. */
interface Progress {
  readonly rehearsalId: Id;
  readonly periods: number;
  readonly rows: Sha256;
  /** Index of the period; −1 is the preparation before the first one. */
  readonly index: number;
  readonly step: Step;
  /** Counts of what was served in this period, once it has been served. */
  readonly served?: ServedPeriod;
}

interface RehearsalInput extends PipelineInput {
  /** Step at which to continue; absent to start from the beginning. */
  readonly at?: Progress;
}

/**
 * Drives the environment's own lifecycle through past periods: serve, label, ingest, monitor, then one build for all
 * triggers of the period. The last period is not followed by a build.
 */
export async function rehearsal(input: RehearsalInput): Promise<void> {
  const { runId, scope } = input;
  const nudged = takeNudges({ goesOn: input.at !== undefined });
  await runPipeline(input, async () => {
    const from = input.at ?? (await begin(input));
    const { rehearsalId } = from;
    for (let at: Progress | undefined = from; at !== undefined;) at = after(await carryOut(input, at, nudged));
    return steps.finishRehearsal({ runId, scope, rehearsalId });
  });
}

/** Returns the state to begin with. A restarted run continues after the last recorded period. */
async function begin({ runId, scope }: RehearsalInput): Promise<Progress> {
  const { recorded, ...plan } = await steps.planRehearsal({ runId, scope });
  return recorded === 0 ? { ...plan, index: -1, step: 'ingest' } : { ...plan, index: recorded - 1, step: 'record' };
}

function stepsFor({ index, periods }: Progress): readonly Step[] {
  if (index < 0) return ['ingest', 'build'];
  return index < periods - 1
    ? ['serve', 'ingest', 'monitor', 'build', 'record']
    : ['serve', 'ingest', 'monitor', 'record'];
}

/** Returns the next step; undefined after the last one. */
function after(at: Progress): Progress | undefined {
  const all = stepsFor(at);
  const step = all[all.indexOf(at.step) + 1];
  if (step !== undefined) return { ...at, step };
  const index = at.index + 1;
  return index < at.periods ? { ...at, index, step: 'serve', served: undefined } : undefined;
}

/**
 * Commands are idempotent, because an execution that continues another one repeats the command of its step. Returns the
 * state with what the step has added to it.
 */
async function carryOut(input: RehearsalInput, at: Progress, nudged: Nudged): Promise<Progress> {
  const { runId, scope } = input;
  const { index, rehearsalId, rows, step } = at;
  const period = { runId, scope, index };
  switch (step) {
    case 'serve':
      return { ...at, served: (await steps.servePeriod(period)).served };
    case 'ingest':
    case 'monitor': {
      const { commandedRunId } = await steps.commandPeriod({ ...period, command: step, rows });
      if (commandedRunId === null) break;
      const ended = { runId, scope, awaitedRunId: commandedRunId };
      await until(input, at, nudged, async () => (await steps.lookAtRun(ended)).over);
      break;
    }
    case 'build':
      await steps.commandPeriod({ ...period, command: 'trigger', rows });
      await steps.commandPeriod({ ...period, command: 'settle', rows });
      await until(input, at, nudged, async () => (await steps.settlePeriod({ ...period, rehearsalId })).quiet);
      break;
    case 'record':
      await steps.recordPeriod({ ...period, rehearsalId, served: at.served });
  }
  return at;
}

/** Repeats the look until it returns true. Each look is a short activity, so that waiting occupies no worker. */
async function until(input: RehearsalInput, at: Progress, nudged: Nudged, isSo: () => Promise<boolean>): Promise<void> {
  for (const nextWait = backOff(looks); ;) {
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof rehearsal>({ ...input, at });
    await nudged(nextWait());
    if (await isSo()) return;
  }
}
