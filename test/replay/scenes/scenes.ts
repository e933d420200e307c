import type { Stage } from '../stage.ts';
import * as ofBuilding from './of-building.ts';
import * as ofInstallation from './of-installation.ts';
import * as ofServing from './of-serving.ts';

/** All scenes by name, in the order in which they are played. */
export const scenes: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  ...ofBuilding,
  ...ofServing,
  ...ofInstallation,
};
