import { cancellationSignal } from '@temporalio/activity';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { CommandGate } from '../../../contracts/configuration/gates.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { Id } from '../../../contracts/identifiers.ts';
import { durationMs } from '../../../contracts/time/duration.ts';
import type { LatencyMeasurement } from '../../../contracts/models/evaluation.ts';
import { modelFormats } from '../../../contracts/model-format.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { CheckResult, JobFile } from '../../../contracts/models/training-job.ts';
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import { metricsOf } from '../../../statistics/metrics/measure.ts';
import type { RunInput } from '../../../contracts/pipelines/step.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { RunLog } from '../../steps/run-log.ts';
import { scriptJobOf } from '../training/script-job.ts';
import { withWorkspace } from '../../steps/workspace.ts';
import type { GateEvidence } from './gate-evidence.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import { rowsAt } from '../../measurement/holdout-rows.ts';
import { predictionLines } from '../evaluation/prediction-lines.ts';

/** Number of calls with one row each, and number of rows that the calls cycle through. */
const latencyCalls = 1000;
const latencyRows = 50;

interface Judged {
  readonly plan: BuildPlan;
  readonly version: ModelVersion;
  readonly configuration: Configuration;
  readonly holdout: StoredColumns;
  readonly rows: MeasuredRows;
}

/** Gathers the measurements for gates of latency, size and command. Measures only what some gate asks for. */
export async function gatherGateEvidence(
  deps: StoringDependencies,
  { runId, scope }: RunInput,
  judged: Judged,
): Promise<GateEvidence> {
  const { version, configuration } = judged;
  const { gates } = configuration.build;
  const commands = gates.filter((gate) => 'command' in gate);
  const { clock } = await deps.repositories.environments.get(scope.project, scope.environment);
  return {
    artifactName: artifactName(version),
    artifactBytes: version.artifactBytes,
    latencyDecides: clock === 'wall',
    latency: gates.some((gate) => 'latency' in gate) ? await latencyOf(deps, judged) : null,
    commands: commands.length === 0 ? [] : await runCommands(deps, runId, commands, judged),
  };
}

/** Returns the model's file name, as the training script wrote it. */
function artifactName({ format }: ModelVersion): string {
  return modelFormats[format].writes;
}

async function latencyOf(deps: ActivityDependencies, { version, holdout }: Judged): Promise<LatencyMeasurement> {
  const inputs = version.signature.inputs.map(({ name }) => name);
  const first = Array.from({ length: Math.min(latencyRows, holdout.rows) }, (_, row) => row);
  const { columns: sample, rows } = await rowsAt(holdout, inputs, first);
  return withWorkspace(deps.scratchFolder, 'gates', async (folder) => {
    const path = join(folder, artifactName(version));
    await deps.objectStore.getFile(version.artifact, path);
    const { format, signature } = version;
    return deps.modelFormats.named(format).measureLatency({ path, signature, sample, rows, calls: latencyCalls });
  });
}

/** Runs each command in the same way as the training command, with the files of `storeGiven`. */
async function runCommands(
  deps: StoringDependencies,
  runId: Id,
  commands: readonly CommandGate[],
  judged: Judged,
): Promise<CheckResult[]> {
  const log = new RunLog(deps, runId);
  const call = { onLog: log.line, onProgress: log.progress, signal: cancellationSignal() };
  try {
    const files = await storeGiven(deps, judged);
    const { limits, ...job } = await scriptJobOf(deps, judged.plan);
    const endings: CheckResult[] = [];
    for (const { command, timeout } of commands) {
      log.line({ stream: 'system', line: `gate: ${command.join(' ')}` });
      const own = { command, limits: { ...limits, timeoutMs: durationMs(timeout) }, files };
      endings.push(await deps.trainer.check({ ...job, ...own }, call));
    }
    return endings;
  } finally {
    await log.close();
  }
}

/**
 * Stores the files that a command finds: the model, the holdout, the predictions and the metrics. Only this step needs
 * the last two.
 */
async function storeGiven(
  { objectStore, scratchFolder }: StoringDependencies,
  { plan, version, rows }: Judged,
): Promise<JobFile[]> {
  const challenger = metricsOf(rows.challenger);
  const champion = rows.champion === null ? null : metricsOf(rows.champion);
  const metrics = `${JSON.stringify({ schemaVersion: 1, challenger, champion })}\n`;
  const metricsBlob = await objectStore.putBytes(Buffer.from(metrics));
  const predictions = await withWorkspace(scratchFolder, 'predictions', async (folder) => {
    const path = join(folder, 'predictions.ndjson');
    await pipeline(predictionLines(rows), createWriteStream(path));
    return objectStore.putFile(path);
  });
  return [
    { variable: 'PERENNIAL_MODEL', name: artifactName(version), sha256: version.artifact },
    { variable: 'PERENNIAL_HOLDOUT', name: 'holdout.parquet', sha256: plan.holdout },
    { variable: 'PERENNIAL_PREDICTIONS', name: 'predictions.ndjson', sha256: predictions.sha256 },
    { variable: 'PERENNIAL_METRICS', name: 'metrics.json', sha256: metricsBlob.sha256 },
  ];
}
