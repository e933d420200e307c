import { DatasetProfile } from '../../contracts/data/dataset-version.ts';
import { StagedDataset } from '../../contracts/data/staged-dataset.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { readJson } from '../steps/workspace.ts';

/** Writes the rows and moves the head; the bytes are already in the store ("row second, pointer last"). */
export function createCommitDataset(deps: ActivityDependencies): Activities['commitDataset'] {
  return async ({ runId, scope, staged, profile }) => {
    const { expectedHead, digest, manifest, summaries, fetched, ...described } = await readJson(
      deps.objectStore,
      staged,
      StagedDataset,
    );
    const { expectations, warnings, rowsAdded, rowsSkipped, rowsReplaced, rowsRemoved } = described;
    const columns = await readJson(deps.objectStore, profile, DatasetProfile);
    const run = await deps.repositories.runs.get(runId);
    const { version, unchanged } = await deps.repositories.datasets.commit(
      scope,
      {
        digest,
        manifest,
        profile: columns,
        summaries,
        expectations,
        warnings,
        rowsAdded,
        rowsSkipped,
        rowsReplaced,
        rowsRemoved,
        fetched,
      },
      { runId, expectedHead, by: run.recordedBy },
    );
    return {
      kind: 'data',
      datasetVersionId: version.id,
      number: version.number,
      digest: version.digest,
      rows: manifest.rows,
      added: rowsAdded,
      skipped: rowsSkipped,
      replaced: rowsReplaced,
      removed: rowsRemoved,
      warnings,
      unchanged,
    };
  };
}
