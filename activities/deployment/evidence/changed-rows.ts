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
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { loadVersion } from '../../measurement/load-version.ts';
import { probabilityIn, sampleOf } from '../../measurement/sample-of.ts';
import { rowsAt } from '../../measurement/holdout-rows.ts';
import { holdoutSample } from '../../measurement/holdout-samples.ts';
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
  return withWorkspace(deps.scratchFolder, 'evidence', async (folder) => {
    const { version, champion, configuration } = contest;
    const { target } = version.trainingKeyParts;
    const columns = columnsOf(contest);
    const holdout = await storeHoldout(deps, contest, { columns, folder });
    // As in the evaluation, the challenger's classes apply to both models.
    const { classes = [] } = version.signature;
    const asked = { configuration, holdout, target, classes };
    const differences = differencesOf(
      await heldOutSample(deps, version, asked),
      await heldOutSample(deps, champion, asked),
    );
    const rows = await rowsAt(holdout, columns, differences.most);
    const truth = targetsOf(rows.columns[target] ?? []);
    const decided = async (of: ModelVersion): Promise<readonly Cell[]> =>
      decisionsOf(configuration, of.signature, await answers(deps, of, rows), { truth, classes });
    const [challenger, serving] = [await decided(version), await decided(champion)];
    const { changed, sum } = differences;
    const shown = mostChanged(withInstants(rows), { version, configuration, champion: serving, challenger });
    const isRegression = configuration.task === 'regression';
    const meanDifference = isRegression && holdout.rows > 0 ? sum / holdout.rows : null;
    return { ...shown, compared: holdout.rows, changed, meanDifference };
  });
}

interface Differences {
  readonly changed: number;
  readonly sum: number;
  /** Numbers of the rows with the greatest differences, ascending. */
  readonly most: readonly number[];
}

function differencesOf(challenger: Sample, champion: Sample): Differences {
  const most: { readonly row: number; readonly difference: number }[] = [];
  const differenceAt = differenceBetween(challenger, champion);
  let [changed, sum] = [0, 0];
  for (let row = 0; row < challenger.truth.length; row += 1) {
    const difference = differenceAt(row);
    sum += difference;
    if (!(difference > 0)) continue;
    changed += 1;
    if (most.length === mostRows && difference <= (most.at(-1)?.difference ?? 0)) continue;
    const place = most.findIndex((other) => other.difference < difference);
    most.splice(place === -1 ? most.length : place, 0, { row, difference });
    most.length = Math.min(most.length, mostRows);
  }
  return { changed, sum, most: most.map(({ row }) => row).toSorted((a, b) => a - b) };
}

function differenceBetween(challenger: Sample, champion: Sample): (row: number) => number {
  if (challenger.task === 'regression' && champion.task === 'regression')
    return (row) => Math.abs((challenger.prediction[row] ?? 0) - (champion.prediction[row] ?? 0));
  if (challenger.task === 'binary' && champion.task === 'binary')
    return (row) => (challenger.decision[row] === champion.decision[row] ? 0 : 1);
  if (challenger.task !== 'multiclass' || champion.task !== 'multiclass') return () => 0;
  const nameOf = (sample: typeof challenger, row: number) => sample.classes[sample.decision[row] ?? -1];
  return (row) => (nameOf(challenger, row) === nameOf(champion, row) ? 0 : 1);
}

function withInstants({ rows, columns }: ColumnData): ColumnData {
  const { _at: times } = columns;
  if (times === undefined) return { rows, columns };
  const instants = times.map((at) => (at === null ? null : new Date(Number(at)).toISOString()));
  return { rows, columns: { ...columns, _at: instants } };
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

function columnsOf({ version, champion, configuration }: Contest): string[] {
  const { features, target } = version.trainingKeyParts;
  const inputs = [...version.signature.inputs, ...champion.signature.inputs].map((input) => input.name);
  const { key, timestamp } = configuration.data;
  const wanted = [...features, target, ...inputs, ...(key === undefined ? [] : [key])];
  return [...new Set([...wanted, ...(timestamp === undefined ? [] : ['_at'])])];
}

async function storeHoldout(
  deps: ActivityDependencies,
  { holdout, version }: Contest,
  { columns, folder }: { readonly columns: readonly string[]; readonly folder: string },
): Promise<StoredColumns> {
  const file = join(folder, 'holdout.parquet');
  await deps.objectStore.getFile(holdout, file);
  const { target } = version.trainingKeyParts;
  return deps.tableEngine.storeColumns({ files: [file], columns, target, path: join(folder, 'holdout.columns') });
}

async function heldOutSample(
  deps: ActivityDependencies,
  version: ModelVersion,
  asked: Parameters<typeof holdoutSample>[1],
): Promise<Sample> {
  const model = await loadVersion(deps, version.id);
  try {
    return await holdoutSample(model, asked);
  } finally {
    await model.release();
  }
}

async function answers(deps: ActivityDependencies, version: ModelVersion, rows: ColumnData): Promise<Answers> {
  const model = await loadVersion(deps, version.id);
  try {
    return await model.predict(batchOfCells(model.signature.inputs, rows.columns, rows.rows));
  } finally {
    await model.release();
  }
}
