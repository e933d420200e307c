import { join } from 'node:path';
import type { ApprovalSubject, ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { Environment } from '../../../contracts/serving/environment.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Evaluation } from '../../../contracts/models/evaluation.ts';
import type { ColumnReference, ModelVersion } from '../../../contracts/models/model-version.ts';
import { MonitoringReference } from '../../../contracts/models/model-version.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { referenceOfStored } from '../../measurement/reference-of-stored.ts';
import { readJson, withWorkspace } from '../../steps/workspace.ts';
import type { ComparedData } from './data-moved.ts';
import { dataMoved } from './data-moved.ts';
import { fewRows } from './few-rows.ts';
import { findingsAgainst } from './findings-against.ts';
import { noCanary } from './no-canary.ts';
import { refitOf } from './refit-of.ts';
import { rolledBack } from './rolled-back.ts';
import { stricterPolicy } from './stricter-policy.ts';

interface Proposed {
  readonly version: ModelVersion;
  readonly champion: ModelVersion | null;
  readonly evaluation: Evaluation;
  readonly subject: ApprovalSubject;
  readonly environment: Pick<Environment, 'name' | 'clock'>;
  readonly configuration: Configuration;
}

interface Gathered {
  readonly warnings: ApprovalWarning[];
  /** Checks that could not be done, each with its reason. */
  readonly missing: string[];
}

/** Gathers the warnings of an approval request, in the order in which they are shown. */
export async function gatherWarnings(deps: ActivityDependencies, proposed: Proposed): Promise<Gathered> {
  const { version, evaluation, subject, environment, configuration } = proposed;
  const past = await deps.repositories.deployments.pastOf(version.modelId, version.artifact);
  const { warnings, missing } = await movedData(deps, proposed);
  return {
    missing,
    warnings: [
      ...warnings,
      ...rolledBack(version.number, past),
      ...findingsAgainst(version.number, past),
      ...fewRows(evaluation.body),
      ...refitOf(version.number, evaluation.body),
      ...noCanary(subject),
      // A rehearsal has its own policy, under which one principal casts all votes.
      ...(environment.clock === 'wall'
        ? stricterPolicy(environment.name, configuration.deploy.approval, subject.policy)
        : []),
    ],
  };
}

/** If the bytes of an old version are gone, the comparison is listed as missing and the request goes on. */
async function movedData(deps: ActivityDependencies, proposed: Proposed): Promise<Gathered> {
  try {
    const comparisons = await comparisonsOf(deps, proposed);
    return { warnings: dataMoved(comparisons, proposed.configuration.monitor.drift.exclude), missing: [] };
  } catch (caught) {
    if (!(caught instanceof PerennialError) || caught.retryable) throw caught;
    return { warnings: [], missing: [`the check whether the data has moved: ${caught.message}`] };
  }
}

async function comparisonsOf(deps: ActivityDependencies, proposed: Proposed): Promise<ComparedData[]> {
  const { version, champion, evaluation } = proposed;
  const trained = await trainedOn(deps, version);
  const heldOut = await withWorkspace(deps.scratchFolder, 'warnings', async (folder) => {
    const path = join(folder, 'holdout.parquet');
    await deps.objectStore.getFile(evaluation.body.holdout, path);
    const columns = trained.map(({ name }) => name);
    const stored = await deps.tableEngine.storeColumns({ files: [path], columns, path: join(folder, 'columns') });
    const references: ColumnReference[] = [];
    for (const name of columns) references.push(await referenceOfStored(stored, name));
    return references;
  });
  const within: ComparedData = {
    before: trained,
    after: heldOut,
    beforeAre: `the rows that version ${version.number} was trained on`,
    afterAre: 'the held-out rows',
  };
  if (champion === null || champion.id === version.id) return [within];
  const across: ComparedData = {
    before: await trainedOn(deps, champion),
    after: trained,
    beforeAre: `the training rows of the champion, version ${champion.number}`,
    afterAre: `the rows that version ${version.number} was trained on`,
  };
  return [across, within];
}

/** Returns the stored monitoring references of the target and of each feature. */
async function trainedOn(deps: ActivityDependencies, { reference }: ModelVersion): Promise<ColumnReference[]> {
  const { features, target } = await readJson(deps.objectStore, reference, MonitoringReference);
  return [...features, target];
}
