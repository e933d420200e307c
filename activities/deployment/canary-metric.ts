import { join } from 'node:path';
import type { CanaryMetric } from '../../contracts/configuration/strategy.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import { measure } from '../../statistics/metrics/measure.ts';
import type { Sample } from '../../statistics/metrics/sample.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { answersOfRelease } from '../measurement/answers-of-release.ts';
import { servedAnswers } from '../measurement/served-answers.ts';
import { readLabelledWindow } from '../measurement/labelled-window.ts';
import { servedSample } from '../measurement/served-sample.ts';
import { withWorkspace } from '../steps/workspace.ts';

type Dependencies = Pick<
  ActivityDependencies,
  'repositories' | 'objectStore' | 'tableEngine' | 'derivedFiles' | 'gateways' | 'clock' | 'logger' | 'scratchFolder'
>;

interface Canary {
  readonly generation: number;
  readonly releaseDigest: Sha256;
}

interface Asked {
  readonly scope: Scope;
  readonly canary: Canary;
  readonly metric: CanaryMetric;
}

/**
 * Returns why the canary breaks the limit on its metric, by the labels that have arrived in this step; undefined if it
 * does not.
 */
export function createCanaryMetric(deps: Dependencies) {
  return async ({ scope, canary, metric }: Asked): Promise<string | undefined> => {
    const answered = await labelledAnswers(deps, scope, canary);
    return answered === undefined ? undefined : metricBreach(answered, metric);
  };
}

export function metricBreach(sample: Sample, metric: CanaryMetric): string | undefined {
  const rows = sample.truth.length;
  if (rows < metric.minLabels) return undefined;
  const value = measure(sample, metric.name);
  // The metric may be undefined on these rows, for example if all are of one class.
  if (Number.isNaN(value)) return undefined;
  const told = `${metric.name} ${value.toPrecision(6)} of the canary`;
  const of = `(${rows} labelled answers)`;
  if (metric.max !== undefined && value > metric.max) return `${told} is above ${metric.max} ${of}`;
  if (metric.min !== undefined && value < metric.min) return `${told} is below ${metric.min} ${of}`;
  return undefined;
}

async function labelledAnswers(
  deps: Dependencies,
  scope: Scope,
  { generation, releaseDigest }: Canary,
): Promise<Sample | undefined> {
  const { deployments, monitoring } = deps.repositories;
  const current = await deployments.current(scope);
  // The canary has been replaced meanwhile, so there is nothing left to judge.
  if (current?.generation !== generation) return undefined;
  try {
    await deps.gateways.flush(scope);
  } catch (caught) {
    // An unreachable gateway must not prevent the other conditions from being checked.
    if (!(caught instanceof PerennialError)) throw caught;
    deps.logger.warn(
      { reason: caught.message },
      'the labels of a canary cannot be read now; the metric is checked again later',
    );
    return undefined;
  }
  const from = current.effectiveAt;
  const to = new Date(Date.parse(deps.clock.now()) + 1_000).toISOString();
  const segments = (await monitoring.segments(scope, from, to)).map(({ sha256 }) => sha256);
  if (segments.length === 0 || !(await monitoring.hasLabels(scope))) return undefined;
  const release = await deployments.releaseByDigest(scope.modelId, releaseDigest);
  const { configuration } = await deps.repositories.models.configuration(release.configurationId);
  return withWorkspace(deps.scratchFolder, 'canary', async (folder) => {
    // If an id occurs twice, its first prediction counts, whichever release made it. Only all rows tell which one that is.
    const answers = (await monitoring.haveDistinctIds(scope, segments))
      ? await answersOfRelease(deps, scope, { release: releaseDigest, segments, folder: join(folder, 'answers') })
      : undefined;
    if (answers?.length === 0) return undefined;
    const window = { segments, from, to };
    const served = await readLabelledWindow(deps, scope, window, configuration.task, { folder, answers });
    const own = servedAnswers(served, ({ row, release: answering }) =>
      answering?.release === releaseDigest ? served.labels.at(row) : null,
    );
    return (await servedSample(deps, scope.modelId, configuration, own)) ?? undefined;
  });
}
