import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { SignHeadsInput } from '../contracts/runs/workflows.ts';
import { installationSteps } from '../contracts/pipelines/installation-steps.ts';
import { stepsOf } from './running/step-proxies.ts';

const steps = stepsOf(installationSteps);

/** Signs the ledger head of every model whose ledger has grown, a batch of models at a time. */
export async function signLedgerHeads(input: SignHeadsInput): Promise<void> {
  for (let cursor = input.cursor ?? null; ;) {
    const { next }: { readonly next: string | null } = await steps.signHeads({ cursor });
    if (next === null) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof signLedgerHeads>({ ...input, cursor: next });
    cursor = next;
  }
}
