import { driftTests } from '../../contracts/monitoring/drift-tests.ts';
import type { RegistryIndex } from './registry-index.ts';
import { registryIndexText } from './registry-index.ts';

const indexes: readonly RegistryIndex[] = [
  {
    folder: 'statistics/drift/tests',
    contract: 'contracts/monitoring/drift-tests.ts',
    registry: driftTests,
    constant: 'driftMeasures',
    about: 'By the name of the test.',
    fileOf: (name) => `${name}-test`,
  },
];

/** Every generated index by its path in the repository, as it should be. */
export function generatedIndexes(): ReadonlyMap<string, string> {
  return new Map(indexes.map((index) => [`${index.folder}/index.ts`, registryIndexText(index)]));
}
