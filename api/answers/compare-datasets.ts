import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import type { DatasetDifference } from '../../contracts/data/dataset-difference.ts';
import { stabilityIndexOf } from '../../contracts/data/dataset-difference.ts';
import type { ComparedDataset } from '../../ports/table-engine.ts';
import type { RouteContext } from '../route-context.ts';
import { fetchParts, makeFolder, readStored } from './send-rows.ts';

/** Compares two dataset versions, matching rows by the key of the later version. */
export async function compareDatasets(
  context: RouteContext,
  before: DatasetVersion,
  after: DatasetVersion,
): Promise<DatasetDifference> {
  const { folder, discard } = await makeFolder(context, 'diff');
  try {
    const { key } = after.manifest;
    const sides = {
      before: await fetchSide(context, before, join(folder, 'before')),
      after: await fetchSide(context, after, join(folder, 'after')),
    };
    const found = await readStored(() => context.tableEngine.compare({ ...sides, key }));
    return {
      schemaVersion: 1,
      before: sideOf(before),
      after: sideOf(after),
      // Without a unique key, whole rows were compared.
      key: found.rows.changed === null ? null : (key ?? null),
      ...found,
      shifts: found.shifts.map((shift) => ({ ...shift, psi: stabilityIndexOf(shift.counts) })),
    };
  } finally {
    await discard();
  }
}

async function fetchSide(
  context: RouteContext,
  { manifest: { columns, parts } }: DatasetVersion,
  folder: string,
): Promise<ComparedDataset> {
  await mkdir(folder);
  const digests = parts.map(({ sha256 }) => sha256);
  const paths = await fetchParts(context, digests, folder);
  return { columns, parts: digests.map((sha256, at) => ({ sha256, path: paths[at] ?? '' })) };
}

function sideOf({ number, digest, manifest }: DatasetVersion): DatasetDifference['before'] {
  return { number, digest, rows: manifest.rows };
}
