import type { SignedPoint } from '../../contracts/ledger/ledger-chain.ts';

type Dated = Pick<SignedPoint, 'sequence' | 'signedAt'>;

const newestKept = 16;
const daysKept = 30;
const monthsKept = 24;

/**
 * Returns the sequence numbers of the copies to keep: the newest, and the last of each of the newest days and months.
 */
export function keptCopies(copies: readonly Dated[]): ReadonlySet<number> {
  const newestFirst = copies.toSorted((a, b) => b.sequence - a.sequence);
  return new Set([
    ...newestFirst.slice(0, newestKept).map((copy) => copy.sequence),
    ...lastOfEach(newestFirst, 'YYYY-MM-DD'.length, daysKept),
    ...lastOfEach(newestFirst, 'YYYY-MM'.length, monthsKept),
  ]);
}

function lastOfEach(newestFirst: readonly Dated[], characters: number, atMost: number): readonly number[] {
  const last = new Map<string, number>();
  for (const { sequence, signedAt } of newestFirst) {
    const period = signedAt.slice(0, characters);
    if (!last.has(period)) last.set(period, sequence);
    if (last.size === atMost) break;
  }
  return [...last.values()];
}
