import type { DataDifference } from '../../../contracts/serving/approval-evidence.ts';
import type { DatasetVersion } from '../../../contracts/data/dataset-version.ts';

/**
 * Returns the differences that the manifests alone show: columns, and rows of parts that only one of the two versions
 * has. Both are null if nothing served before.
 */
export function dataDifference(
  before: Pick<DatasetVersion, 'number' | 'manifest'> | null,
  after: Pick<DatasetVersion, 'number' | 'manifest'>,
): DataDifference {
  const old = before?.manifest;
  const { manifest } = after;
  const typeOf = (columns: typeof manifest.columns, name: string) =>
    columns.find((column) => column.name === name)?.type;
  const oldColumns = old?.columns ?? manifest.columns;
  return {
    from: before?.number ?? null,
    to: after.number,
    rowsBefore: old?.rows ?? null,
    rows: manifest.rows,
    rowsAdded: rowsOnlyIn(manifest.parts, old?.parts ?? []),
    rowsRemoved: rowsOnlyIn(old?.parts ?? [], manifest.parts),
    columnsAdded: manifest.columns.map(({ name }) => name).filter((name) => typeOf(oldColumns, name) === undefined),
    columnsRemoved: oldColumns.map(({ name }) => name).filter((name) => typeOf(manifest.columns, name) === undefined),
    columnsChanged: manifest.columns
      .filter(({ name, type }) => {
        const was = typeOf(oldColumns, name);
        return was !== undefined && was !== type;
      })
      .map(({ name }) => name),
  };
}

type Part = DatasetVersion['manifest']['parts'][number];

function rowsOnlyIn(parts: readonly Part[], others: readonly Part[]): number {
  const known = new Set(others.map((part) => part.sha256));
  return parts.filter((part) => !known.has(part.sha256)).reduce((sum, part) => sum + part.rows, 0);
}
