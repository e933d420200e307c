import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { linearModel } from './onnx-models.ts';

/** Predicts `2 · temp + hum`, the exact target of `tinyRows`. */
export const goodModel = linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias: 0 });

/** The files of a model that trains instantly: configuration, training script and data. */
export interface TinyModel {
  readonly folder: string;
  readonly file: string;
  /** Replaces the training script (sh) and its files. */
  code(script: string, files?: Readonly<Record<string, Uint8Array | string>>): Promise<void>;
  data(csv: string): Promise<void>;
  configure(changes: (configuration: ConfigurationInput) => ConfigurationInput): Promise<void>;
  remove(): Promise<void>;
}

export async function tinyModel(
  name: string,
  changes: (configuration: ConfigurationInput) => ConfigurationInput = (configuration) => configuration,
): Promise<TinyModel> {
  const folder = await mkdtemp(join(tmpdir(), `perennial-${name}-`));
  const file = join(folder, 'perennial.yaml');
  let configuration: ConfigurationInput = {
    schemaVersion: 1,
    name,
    task: 'regression',
    owner: 'test',
    data: {
      source: { path: 'rows.csv' },
      timestamp: 'at',
      key: 'id',
      target: 'cnt',
      features: ['temp', 'hum'],
    },
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: { holdout: { last: '2 days' }, gates: [{ metric: 'rmse', max: 10 }] },
    deploy: { strategy: { canary: [100], minRequests: 0, bake: '1s' } },
    monitor: { every: '1 day' },
    retrain: { debounce: '1s', cooldown: '1s' },
  };
  const tiny: TinyModel = {
    folder,
    file,
    async code(script, files = {}) {
      await rm(join(folder, 'train'), { recursive: true, force: true });
      await mkdir(join(folder, 'train'));
      await writeFile(join(folder, 'train', 'train.sh'), `${script}\n`);
      for (const [path, content] of Object.entries(files)) await writeFile(join(folder, 'train', path), content);
    },
    data: (csv) => writeFile(join(folder, 'rows.csv'), csv),
    async configure(change) {
      configuration = change(configuration);
      await writeFile(file, stringify(configuration));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  await tiny.configure(changes);
  await tiny.code('cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"', { 'model.onnx': goodModel });
  await tiny.data(tinyRows(0, 240));
  return tiny;
}

const firstHour = Date.UTC(2026, 0, 1);

/** Returns one row per hour from the beginning of 2026, with `cnt` exactly `2 · temp + hum`. */
export function tinyRows(from: number, to: number): string {
  const rows = Array.from({ length: to - from }, (_, index) => {
    const hour = from + index;
    const at = new Date(firstHour + hour * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
    const temp = hour % 24;
    const hum = hour % 7;
    return `${hour},${at},${temp}.5,${hum}.25,${2 * (temp + 0.5) + hum + 0.25}`;
  });
  return ['id,at,temp,hum,cnt', ...rows, ''].join('\n');
}
