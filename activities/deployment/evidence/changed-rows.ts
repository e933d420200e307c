import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import { join } from 'node:path';
import type { ChangedRow, ChangedRows } from '../../../contracts/serving/approval-evidence.ts';
import { classKey } from '../../../contracts/models/classes.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { Cell } from '../../../contracts/data/data-types.ts';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { ClassValue, Signature } from '../../../contracts/models/signature.ts';
import type { Answers } from '../../../ports/model-format.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { loadVersion } from '../../measurement/load-version.ts';
import { probabilityIn, sampleOf } from '../../measurement/sample-of.ts';
import { targetsOf } from '../../measurement/targets-of.ts';
import { withWorkspace } from '../../steps/workspace.ts';

/** Bounds on what is shown, because a person reads it. */
const mostRows = 10;
const mostFeatures = 12;

interface Contest {
  /** Digest of the held-out rows of the evaluation. */
  readonly holdout: Sha256;
  readonly version: ModelVersion;
  readonly champion: ModelVersion;
  readonly configuration: Configuration;
}

/**
 * Returns the held-out rows on which challenger and champion disagree most: by the size of the difference for numeric
 * predictions, else the rows with different decisions.
 */
export async function changedRows(deps: ActivityDependencies, contest: Contest): Promise<ChangedRows> {
  const rows = await readRows(deps, contest);
  const truth = targetsOf(rows.columns[contest.version.trainingKeyParts.target] ?? []);
  // As in the evaluation, the challenger's classes apply to both models.
  const { classes = [] } = contest.version.signature;
  const decided = async (version: ModelVersion): Promise<readonly Cell[]> =>
    decisionsOf(contest.configuration, version.signature, await answers(deps, version, rows), { truth, classes });
  const challenger = await decided(contest.version);
  const champion = await decided(contest.champion);
  return mostChanged(rows, { ...contest, champion, challenger });
}

interface Answered {
  readonly version: Pick<ModelVersion, 'trainingKeyParts'>;
  readonly configuration: Pick<Configuration, 'task' | 'data'>;
  readonly champion: readonly Cell[];
  readonly challenger: readonly Cell[];
}

export function mostChanged(rows: ColumnData, { version, configuration, champion, challenger }: Answered): ChangedRows {
  const isRegression = configuration.task === 'regression';
  const differences = challenger.map((answer, row) =>
    isRegression
      ? Math.abs(Number(answer) - Number(champion[row]))
      : sameDecision(answer, champion[row] ?? null)
        ? 0
        : 1,
  );
  const order = differences
    .map((difference, row) => ({ difference, row }))
    .filter(({ difference }) => difference > 0)
    .toSorted((a, b) => b.difference - a.difference || a.row - b.row);
  const cell = (column: string | undefined, row: number): Cell =>
    column === undefined ? null : (rows.columns[column]?.[row] ?? null);
  const { features, target, refitOf } = version.trainingKeyParts;
  const shown = ({ row }: { readonly row: number }): ChangedRow => {
    const at = cell('_at', row);
    return {
      at: at === null ? null : new Date(String(at)).toISOString(),
      key: cell(configuration.data.key, row),
      truth: cell(target, row),
      champion: champion[row] ?? null,
      challenger: challenger[row] ?? null,
      features: Object.fromEntries(features.slice(0, mostFeatures).map((name) => [name, cell(name, row)])),
    };
  };
  return {
    kind: isRegression ? 'difference' : 'flip',
    compared: rows.rows,
    changed: order.length,
    meanDifference:
      isRegression && rows.rows > 0 ? differences.reduce((sum, difference) => sum + difference, 0) / rows.rows : null,
    ...(refitOf === undefined ? {} : { challengerTrainedOn: true }),
    rows: order.slice(0, mostRows).map(shown),
  };
}

/**
 * Returns the decisions that were evaluated: for binary models with probabilities, those by `build.threshold`, else the
 * model's own answers.
 */
export function decisionsOf(
  configuration: Pick<Configuration, 'task' | 'build'>,
  signature: Signature,
  { rows, values, probabilities }: Pick<Answers, 'rows' | 'values' | 'probabilities'>,
  { truth, classes }: { readonly truth: readonly ClassValue[]; readonly classes: readonly ClassValue[] },
): readonly Cell[] {
  const probabilityOf = probabilityIn(signature, { probabilities });
  if (configuration.task !== 'binary' || probabilityOf === null) return Array.from(values).slice(0, rows);
  const sample = sampleOf(configuration, { truth, values, probabilityOf }, classes);
  if (sample.task !== 'binary') return Array.from(values).slice(0, rows);
  const positive = classes.find((value) => String(value) === sample.positive) ?? sample.positive;
  const other = classes.find((value) => value !== positive) ?? null;
  return Array.from(sample.decision, (said) => (said === 1 ? positive : other));
}

/** Treats a boolean and the 0 or 1 that a model returns for it as the same decision. */
function sameDecision(one: Cell, other: Cell): boolean {
  return one === null || other === null ? one === other : classKey(one) === classKey(other);
}

async function readRows(deps: ActivityDependencies, contest: Contest): Promise<ColumnData> {
  const { version, champion, configuration, holdout } = contest;
  const { features, target } = version.trainingKeyParts;
  const inputs = [...version.signature.inputs, ...champion.signature.inputs].map((input) => input.name);
  const { key, timestamp } = configuration.data;
  const wanted = [...features, target, ...inputs, ...(key === undefined ? [] : [key])];
  const columns = [...new Set([...wanted, ...(timestamp === undefined ? [] : ['_at'])])];
  return withWorkspace(deps.scratchFolder, 'evidence', async (folder) => {
    const path = join(folder, 'holdout.parquet');
    await deps.objectStore.getFile(holdout, path);
    return deps.tableEngine.readColumns({ files: [path], columns, target: { column: target, labelledOnly: true } });
  });
}

async function answers(deps: ActivityDependencies, version: ModelVersion, rows: ColumnData): Promise<Answers> {
  const model = await loadVersion(deps, version.id);
  try {
    return await model.predict(batchOfCells(model.signature.inputs, rows.columns, rows.rows));
  } finally {
    await model.release();
  }
}
