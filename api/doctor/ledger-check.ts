import type { LedgerVerdict } from '../../contracts/ledger/ledger-head.ts';
import type { Check, Looked } from './check.ts';

const chainsAtOnce = 20;

/** Verifies every ledger chain of every project. Nothing is repaired, because ledger entries cannot be rewritten. */
export const checkLedger: Check = async ({ repositories, ledgerProof }, { after }) => {
  const { items, next } = await repositories.ledger.owners({}, { limit: chainsAtOnce, cursor: after });
  const verdicts: LedgerVerdict[] = [];
  for (const owner of items) verdicts.push(await ledgerProof.verify(owner));
  if (next === undefined) verdicts.push(...(await ledgerProof.removedModels()));
  return { examined: items.length, problems: verdicts.flatMap(problemOf), next };
};

function problemOf({ project, model, problem }: LedgerVerdict): Looked['problems'] {
  if (problem === null) return [];
  return [
    {
      subject: `the ledger of ${project}/${model}`,
      what: problem.what,
      state: 'found',
      wayOut:
        'find out who can write to the database and the object store, and restore both from a backup made before the change; see docs/how-to/tampering.md',
    },
  ];
}
