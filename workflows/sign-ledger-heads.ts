import type { SignHeadsInput } from '../contracts/workflows.ts';
import { ledgerActivities } from './activities.ts';

/** Signs the head of every model's chain that has grown, some models at a time. */
export async function signLedgerHeads(_input: SignHeadsInput): Promise<void> {
  for (let cursor: string | null = null; ;) {
    const { next }: { readonly next: string | null } = await ledgerActivities.signHeads({ cursor });
    if (next === null) return;
    cursor = next;
  }
}
