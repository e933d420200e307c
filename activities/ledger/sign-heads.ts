import type { Id } from '../../contracts/identifiers.ts';
import { reasonOf } from '../../contracts/errors.ts';
import type { SigningResult } from '../../ports/ledger-proof.ts';
import type { ChainOwner } from '../../ports/repositories/ledger-repository.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

type Parts = Pick<ActivityDependencies, 'repositories' | 'ledgerProof' | 'lifecyclePrincipal' | 'logger'>;

const modelsAtOnce = 50;

export function createSignHeads(deps: Parts): Activities['signHeads'] {
  return async ({ cursor }) => {
    const page = await deps.repositories.ledger.owners({}, { limit: modelsAtOnce, cursor: cursor ?? undefined });
    const by = await signer(deps);
    const results: SigningResult[] = [];
    for (const owner of page.items) results.push(await signAndTell(deps, owner, by));
    const count = (state: SigningResult['state']) => results.filter((result) => result.state === state).length;
    return { next: page.next ?? null, signed: count('signed'), refused: count('refused') };
  };
}

/**
 * Signs the head of the model's ledger right after a change of what serves, so that an attacker cannot rewrite the
 * entry in the minutes before the scheduled signing. Not awaited: if the store is unavailable, a rollback still goes
 * on, and the schedule signs later.
 */
export function signAfterwards(deps: Parts, modelId: Id): void {
  signModel(deps, modelId).catch((caught: unknown) =>
    deps.logger.warn(
      { modelId, reason: reasonOf(caught) },
      'the head of a ledger could not be signed now; the signing schedule signs it later',
    ),
  );
}

async function signModel(deps: Parts, modelId: Id): Promise<void> {
  const owner = await deps.repositories.ledger.owner(modelId);
  if (owner !== undefined) await signAndTell(deps, owner, await signer(deps));
}

async function signAndTell({ ledgerProof, logger }: Parts, owner: ChainOwner, by: Id): Promise<SigningResult> {
  const result = await ledgerProof.sign(owner, by);
  if (result.state === 'refused')
    logger.error(
      { project: owner.project, model: owner.model, sequence: result.problem.sequence },
      `the head of the ledger was not signed: ${result.problem.what}; run perennial ledger verify for details`,
    );
  return result;
}

async function signer({ repositories, lifecyclePrincipal }: Parts): Promise<Id> {
  return (await repositories.principals.ensure(lifecyclePrincipal, 'service', [], null)).id;
}
