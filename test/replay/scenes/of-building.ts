import { tinyRows } from '../../support/tiny-model.ts';
import { asOf, type Stage } from '../stage.ts';

// Scenes of data, code and builds.

export async function dataThatEndsOtherwise(stage: Stage): Promise<void> {
  const model = await stage.model('data');
  await stage.perennial('data', 'ingest', '-f', model.file);
  await model.data(tinyRows(0, 300));
  await stage.perennial('data', 'ingest', '-f', model.file);
  await model.data('id,at,temp\n1,2026-01-01 00:00:00,1.5\n');
  const refused = await stage.stack.perennial(['data', 'ingest', '-f', model.file]);
  if (refused.code === 0) throw new Error('rows without a target were ingested');

  const far = await stage.draft('far', (configuration) => ({
    ...configuration,
    data: { ...configuration.data, source: { url: `http://${stage.silentHost}/rows.csv` } },
  }));
  await stage.perennial('apply', '-f', far.file);
  const hanging = await stage.begin('far/datasets', {});
  await stage.inStep(hanging, 'fetchSource');
  await stage.cancelled(hanging);
  await stage.cancelledInTime(() => stage.begin('far/datasets', {}));
}

export async function codeThatEndsOtherwise(stage: Stage): Promise<void> {
  const git = await stage.draft('git', (configuration) => ({
    ...configuration,
    code: { git: { url: `https://${stage.silentHost}/models.git`, ref: 'main' }, command: ['sh', 'train.sh'] },
  }));
  await stage.perennial('apply', '-f', git.file, '--no-code');
  const hanging = await stage.begin('git/code', {});
  await stage.inStep(hanging, 'commitCode');
  await stage.cancelled(hanging);

  await git.configure((configuration) => ({
    ...configuration,
    code: { git: { url: 'https://127.0.0.1:9/models.git', ref: 'main' }, command: ['sh', 'train.sh'] },
  }));
  await stage.perennial('apply', '-f', git.file, '--no-code');
  await stage.ended(await stage.begin('git/code', {}), 'failed');
}

export async function buildsThatEndOtherwise(stage: Stage): Promise<void> {
  const model = await stage.model('builds');
  await stage.build('builds', 'succeeded', 'candidate');
  await stage.build('builds', 'succeeded');
  await model.code('exit 3');
  await stage.perennial('apply', '-f', model.file);
  await stage.build('builds', 'failed');
  await model.code('sleep 600');
  await stage.perennial('apply', '-f', model.file);
  const training = await stage.begin('builds/builds', { asOf });
  await stage.inStep(training, 'trainModel');
  await stage.cancelled(training);
  await stage.cancelledInTime(() => stage.begin('builds/builds', { asOf }));
}

export async function buildsThatAreRejected(stage: Stage): Promise<void> {
  await stage.model('rejected', (configuration) => ({
    ...configuration,
    build: { ...configuration.build, gates: [{ metric: 'rmse', min: 1 }] },
  }));
  await stage.build('rejected', 'succeeded', 'rejected');
}

export async function buildsWithRefit(stage: Stage): Promise<void> {
  await stage.built(
    'refit',
    (configuration) => ({
      ...configuration,
      build: { ...configuration.build, refit: true },
    }),
    { deployed: false },
  );
  await stage.build('refit', 'succeeded');
}
