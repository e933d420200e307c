import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetPart, DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { PartFacts, type PartSummary } from '../../contracts/data/part-summary.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { PrepareBatch, PreparedBatch } from '../../ports/table-engine.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { eachAFewAtATime, readJson, storeJson } from '../steps/workspace.ts';

export interface KnownParts extends Required<Pick<PrepareBatch, 'known' | 'supply' | 'summarise'>> {
  readonly summaries: readonly PartSummary[];
  readonly facts: ReadonlyMap<Sha256, PartFacts>;
}

/** Summaries of more columns, over all parts, would take more time and memory than they save. */
const columnsAtMost = 200_000;

/** Facts that this process read or stored, by the digest of their blob, so that an append does not read all of them again. */
export class FactsAtHand {
  readonly #facts = new Map<Sha256, PartFacts>();
  #columns = 0;

  get(blob: Sha256): PartFacts | undefined {
    const found = this.#facts.get(blob);
    if (found !== undefined) {
      // The map keeps the order of use.
      this.#facts.delete(blob);
      this.#facts.set(blob, found);
    }
    return found;
  }

  add(blob: Sha256, facts: PartFacts): void {
    if (this.#facts.has(blob)) return;
    this.#facts.set(blob, facts);
    this.#columns += facts.pieces.length;
    for (const [oldest, { pieces }] of this.#facts) {
      if (this.#columns <= columnsAtMost) return;
      this.#facts.delete(oldest);
      this.#columns -= pieces.length;
    }
  }
}

/** Returns the parts of the head with their summaries. Their files are fetched into `folder` when they are needed. */
export async function knownParts(
  { objectStore, repositories }: StoringDependencies,
  head: DatasetVersion | undefined,
  { key, folder, atHand }: { readonly key: string | undefined; readonly folder: string; readonly atHand: FactsAtHand },
): Promise<KnownParts> {
  const { parts = [], columns = [] } = head?.manifest ?? {};
  const summarise = parts.length * columns.length <= columnsAtMost;
  const stored = head === undefined || !summarise ? [] : await repositories.datasets.summaries(head.id);
  const summaries = new Map(stored.map((summary) => [summary.part, summary]));
  const facts = new Map<Sha256, PartFacts>();
  await eachAFewAtATime([...summaries.values()], async (summary) => {
    const found = atHand.get(summary.facts) ?? (await readJson(objectStore, summary.facts, PartFacts));
    atHand.add(summary.facts, found);
    facts.set(summary.part, found);
  });
  const digests = new Map<string, Sha256>();
  const place = (name: string, sha256: Sha256): string => {
    const path = join(folder, name);
    digests.set(path, sha256);
    return path;
  };
  const known = parts.map((part, at) => {
    const [summary, found] = [summaries.get(part.sha256), facts.get(part.sha256)];
    const path = place(`${at}.parquet`, part.sha256);
    // Summaries of another key say nothing about this one, so they are made again.
    if (summary === undefined || found === undefined || found.key !== (key ?? null)) return { part, path };
    const keys = summary.keys === null ? null : place(`${at}-keys.parquet`, summary.keys);
    const empty = found.pieces.flatMap(({ name, count, nulls }) => (count === nulls ? [name] : []));
    return { part, path, summary: { stored: found.stored, bounds: found.bounds, empty, keys } };
  });
  const supply = async (paths: readonly string[]): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await eachAFewAtATime(paths, async (path) => {
      const sha256 = digests.get(path);
      if (sha256 !== undefined) await objectStore.getFile(sha256, path);
    });
  };
  return { known, supply, summarise, summaries: stored, facts };
}

/** Stores the new summaries. Returns the summaries of the new version's parts, and their facts in the parts' order. */
export async function storeSummaries(
  { objectStore }: StoringDependencies,
  { summaries: before, facts: factsBefore }: KnownParts,
  { summaries }: PreparedBatch,
  parts: readonly DatasetPart[],
): Promise<{ readonly summaries: PartSummary[]; readonly facts: readonly (PartFacts | undefined)[] }> {
  const stored = new Map(before.map((summary) => [summary.part, summary]));
  const facts = new Map(factsBefore);
  await eachAFewAtATime(summaries, async ({ part, keys, facts: found }) => {
    const digest = await storeJson(objectStore, found);
    stored.set(part, {
      part,
      facts: digest,
      keys: keys === null ? null : (await objectStore.putFile(keys.path)).sha256,
    });
    facts.set(part, found);
  });
  return {
    summaries: [...new Set(parts.map(({ sha256 }) => sha256))].flatMap((sha256) => stored.get(sha256) ?? []),
    facts: parts.map(({ sha256 }) => facts.get(sha256)),
  };
}
