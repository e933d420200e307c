import { cancellationSignal } from '@temporalio/activity';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { CommandGate } from '../../../contracts/configuration/gates.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { durationMs } from '../../../contracts/time/duration.ts';
import type { LatencyMeasurement } from '../../../contracts/models/evaluation.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { CheckResult } from '../../../ports/trainer.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';
import { metricsOf } from '../../../statistics/metrics/measure.ts';
import type { RunInput } from '../../activity-types.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { RunLog } from '../../steps/run-log.ts';
import { layScriptGround } from '../training/script-ground.ts';
import { withWorkspace } from '../../steps/workspace.ts';
import type { GateEvidence } from './gate-evidence.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import { predictionLines } from '../evaluation/prediction-lines.ts';

/** Calls of one row, and rows that they take turns with. */
const latencyCalls = 1000;
const latencyRows = 50;

interface Judged {
  readonly plan: BuildPlan;
  readonly version: ModelVersion;
  readonly configuration: Configuration;
  readonly holdout: ColumnData;
  readonly rows: MeasuredRows;
}

/** What gates of latency, size and command ask for; nothing of it is measured that no gate asks for. */
export async function gatherGateEvidence(
  deps: ActivityDependencies,
  { runId, scope }: RunInput,
  judged: Judged,
): Promise<GateEvidence> {
  const { version, configuration } = judged;
  const { gates } = configuration.build;
  const commands = gates.filter((gate) => 'command' in gate);
  const { clock } = await deps.repositories.environments.get(scope.project, scope.environment);
  return withWorkspace(deps.scratchFolder, 'gates', async (folder) => {
    const model = join(folder, 'model.onnx');
    await deps.objectStore.getFile(version.artifact, model);
    return {
      artifactBytes: version.artifactBytes,
      latencyDecides: clock === 'wall',
      latency: gates.some((gate) => 'latency' in gate) ? await latencyOf(deps, model, judged) : null,
      commands: commands.length === 0 ? [] : await runCommands(deps, { runId, folder, model, commands }, judged),
    };
  });
}

function latencyOf(
  deps: ActivityDependencies,
  model: string,
  { version, holdout }: Judged,
): Promise<LatencyMeasurement> {
  const inputs = version.signature.inputs.map(({ name }) => name);
  const sample = Object.fromEntries(inputs.map((name) => [name, (holdout.columns[name] ?? []).slice(0, latencyRows)]));
  const rows = Math.min(latencyRows, holdout.rows);
  return deps.modelRuntime.measureLatency(model, version.signature, sample, rows, latencyCalls);
}

interface Commands {
  readonly runId: string;
  readonly folder: string;
  readonly model: string;
  readonly commands: readonly CommandGate[];
}

/** Each in the sandbox of training, with the model, the holdout, the answers to it and what was measured as files. */
async function runCommands(
  deps: ActivityDependencies,
  { runId, folder, model, commands }: Commands,
  { plan, rows }: Judged,
): Promise<CheckResult[]> {
  const log = new RunLog(deps, runId);
  try {
    const given = {
      PERENNIAL_MODEL: model,
      PERENNIAL_HOLDOUT: join(folder, 'holdout.parquet'),
      PERENNIAL_PREDICTIONS: join(folder, 'predictions.ndjson'),
      PERENNIAL_METRICS: join(folder, 'metrics.json'),
    };
    await deps.objectStore.getFile(plan.holdout, given.PERENNIAL_HOLDOUT);
    await writeFile(given.PERENNIAL_PREDICTIONS, predictionLines(rows));
    const challenger = metricsOf(rows.challenger);
    const champion = rows.champion === null ? null : metricsOf(rows.champion);
    await writeFile(given.PERENNIAL_METRICS, `${JSON.stringify({ schemaVersion: 1, challenger, champion })}\n`);
    const ground = await layScriptGround(deps, plan, { folder, log, signal: cancellationSignal() });
    const endings: CheckResult[] = [];
    for (const [at, { command, timeout }] of commands.entries()) {
      log.line({ stream: 'system', line: `gate: ${command.join(' ')}` });
      const job = await ground.job(`gate-${at}`);
      const files = Object.entries(given).map(([variable, path]) => ({ variable, path }));
      endings.push(await deps.trainer.check({ ...job, command, timeoutMs: durationMs(timeout), given: files }));
    }
    return endings;
  } finally {
    await log.close();
  }
}
