import { gates } from '../../contracts/configuration/gates.ts';
import { notifierKinds } from '../../contracts/access/notifier-kinds.ts';
import { remoteSources } from '../../contracts/data/remote-source.ts';
import { Task, taskMetrics } from '../../contracts/models/metrics.ts';
import { driftTests } from '../../contracts/monitoring/drift-tests.ts';
import { objectStores } from '../../contracts/settings/object-stores.ts';
import { activityIndex } from './activity-index.ts';
import type { RegistryIndex } from './registry-index.ts';
import { camelCase, factoryOf, kebabCase, registryIndexText } from './registry-index.ts';
import { workflowIndex } from './workflow-index.ts';

const indexes: readonly RegistryIndex[] = [
  {
    folder: 'statistics/drift/tests',
    contract: 'contracts/monitoring/drift-tests.ts',
    registry: driftTests,
    constant: 'driftMeasures',
    about: 'By the name of the test.',
    fileOf: (name) => `${name}-test`,
  },
  ...Task.options.map(metricsIndex),
  {
    folder: 'activities/build/gates',
    contract: 'contracts/configuration/gates.ts',
    registry: gates,
    constant: 'gateJudges',
    about: 'By the kind of the gate.',
    fileOf: (kind) => `${kind}-gate`,
  },
  {
    folder: 'adapters/notifier',
    contract: 'contracts/access/notifier-kinds.ts',
    registry: notifierKinds,
    constant: 'notifierMakers',
    about: 'By the kind of the connection.',
    fileOf: (kind) => `${kind}-notifier`,
    exportOf: factoryOf,
  },
  {
    folder: 'adapters/data-source',
    contract: 'contracts/data/remote-source.ts',
    registry: remoteSources,
    constant: 'sourceMakers',
    about: 'By the key that names the source.',
    fileOf: (kind) => `${kind}-source`,
    exportOf: factoryOf,
  },
  {
    folder: 'adapters/object-store',
    contract: 'contracts/settings/object-stores.ts',
    registry: objectStores,
    constant: 'storeOpeners',
    about: 'By the kind of the store, in the order in which they are tried.',
    fileOf: (kind) => kind,
    exportOf: (file) => camelCase(`open-${file}-store`),
  },
];

function metricsIndex(task: Task): RegistryIndex {
  return {
    folder: `statistics/metrics/${task}`,
    contract: 'contracts/models/metrics.ts',
    registry: taskMetrics[task],
    constant: `${task}Measures`,
    about: 'By the name of the metric.',
    fileOf: (name) => `${task}-${kebabCase(name)}`,
  };
}

/** Returns the expected text of every generated index, by its path in the repository. */
export function generatedIndexes(): ReadonlyMap<string, string> {
  return new Map([
    ...indexes.map((index): [string, string] => [`${index.folder}/index.ts`, registryIndexText(index)]),
    ['activities/index.ts', activityIndex()],
    ['workflows/index.ts', workflowIndex()],
  ]);
}
