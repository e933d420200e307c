import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Check } from './check.ts';

/** Lists the deployed generations that gateways do not serve because the ledger does not confirm them. */
export const checkServing: Check = async ({ repositories }) => {
  const mismatches = await repositories.deployments.mismatches();
  return {
    examined: (await repositories.deployments.liveGateways()).length,
    problems: mismatches.map(({ scope, generation, reason, gatewayId }) => ({
      subject: `generation ${generation} of ${scopeLabel(scope)}`,
      what: `gateway ${gatewayId} does not serve it: ${reason}`,
      state: 'found',
      wayOut:
        'restore the row of the generation from a backup, or deploy or roll back: this creates a new generation with its own ledger entry',
    })),
  };
};
