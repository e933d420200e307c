import { z } from 'zod';
import type { Scope } from '../../contracts/identifiers.ts';
import type { LabelReading, LabelTarget } from '../../contracts/monitoring/label-value.ts';
import { readLabelValue } from '../../contracts/monitoring/label-value.ts';
import { ClassValue } from '../../contracts/models/signature.ts';
import type { Transaction } from '../connection/connect.ts';
import { sql } from '../connection/orm.ts';

/**
 * Reads a label as a value of the target. `version` is the model version that made the prediction; undefined if
 * unknown.
 */
export type ReadLabel = (version: number | undefined, value: ClassValue | null) => LabelReading;

/** Classes of this many newest versions are accepted too, because a class may have been added since the prediction. */
const newestVersions = 20;

type Row = { number: number; classes: string | null };

/**
 * Returns a reader that accepts classes of the version that made the prediction, else of the newest versions. For a
 * regression it accepts numbers.
 */
export async function labelReader(
  tx: Transaction,
  { modelId }: Pick<Scope, 'modelId'>,
  versions: Iterable<number>,
): Promise<ReadLabel> {
  const { rows: models } = await tx.execute<{ task: string }>(sql`select task from models where id = ${modelId}::uuid`);
  if (models[0]?.task === 'regression') return (_version, value) => readLabelValue({ kind: 'number' }, value);
  const numbers = sql.param([...new Set(versions)]);
  const { rows } = await tx.execute<Row>(sql`
    select number, (signature -> 'classes')::text as classes from model_versions
    where model_id = ${modelId}::uuid
      and (number = any(${numbers}::int[])
        or number > (select max(number) from model_versions where model_id = ${modelId}::uuid) - ${newestVersions}::int)
    order by number desc`);
  const classesOf = new Map(rows.map(({ number, classes }) => [number, classesIn(classes)]));
  const all = targetOf([...classesOf.values()].flat());
  return (version, value) => {
    const own = classesOf.get(version ?? -1);
    const read = own === undefined ? undefined : readLabelValue(targetOf(own), value);
    return read !== undefined && 'value' in read ? read : readLabelValue(all, value);
  };
}

function classesIn(json: string | null): readonly ClassValue[] {
  return json === null ? [] : z.array(ClassValue).parse(JSON.parse(json));
}

function targetOf(classes: readonly ClassValue[]): LabelTarget {
  return classes.length === 0 ? { kind: 'any' } : { kind: 'class', classes: [...new Set(classes)] };
}
