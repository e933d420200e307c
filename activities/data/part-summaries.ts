import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetPart, DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { PartFacts, type PartSummary } from '../../contracts/data/part-summary.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { PrepareBatch, PreparedBatch } from '../../ports/table-engine.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { eachAFewAtATime, readJson, storeJson } from '../steps/workspace.ts';

export interface KnownParts extends Required<Pick<PrepareBatch, 'known' | 'supply'>> {
  readonly summaries: readonly PartSummary[];
}

/** Returns the parts of the head with their summaries. Their files are fetched into `folder` when they are needed. */
export async function knownParts(
  { objectStore, repositories }: StoringDependencies,
  head: DatasetVersion | undefined,
  folder: string,
): Promise<KnownParts> {
  const stored = head === undefined ? [] : await repositories.datasets.summaries(head.id);
  const summaries = new Map(stored.map((summary) => [summary.part, summary]));
  const facts = new Map<Sha256, PartFacts>();
  await eachAFewAtATime([...summaries.values()], async (summary) => {
    facts.set(summary.part, await readJson(objectStore, summary.facts, PartFacts));
  });
  const digests = new Map<string, Sha256>();
  const place = (name: string, sha256: Sha256): string => {
    const path = join(folder, name);
    digests.set(path, sha256);
    return path;
  };
  const known = (head?.manifest.parts ?? []).map((part, at) => {
    const [summary, found] = [summaries.get(part.sha256), facts.get(part.sha256)];
    const path = place(`${at}.parquet`, part.sha256);
    if (summary === undefined || found === undefined) return { part, path };
    const keys = summary.keys === null ? null : place(`${at}-keys.parquet`, summary.keys);
    return { part, path, summary: { facts: found, keys } };
  });
  const supply = async (paths: readonly string[]): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await eachAFewAtATime(paths, async (path) => {
      const sha256 = digests.get(path);
      if (sha256 !== undefined) await objectStore.getFile(sha256, path);
    });
  };
  return { known, supply, summaries: stored };
}

/** Stores the new summaries. Returns the summaries of the new version's parts, and their facts in the parts' order. */
export async function storeSummaries(
  { objectStore }: StoringDependencies,
  { known, summaries: before }: KnownParts,
  { summaries }: PreparedBatch,
  parts: readonly DatasetPart[],
): Promise<{ readonly summaries: PartSummary[]; readonly facts: readonly (PartFacts | undefined)[] }> {
  const stored = new Map(before.map((summary) => [summary.part, summary]));
  const facts = new Map(
    known.flatMap(({ part, summary }) => (summary === undefined ? [] : [[part.sha256, summary.facts] as const])),
  );
  for (const { part, keys, facts: found } of summaries) {
    const digest = await storeJson(objectStore, found);
    stored.set(part, {
      part,
      facts: digest,
      keys: keys === null ? null : (await objectStore.putFile(keys.path)).sha256,
    });
    facts.set(part, found);
  }
  return {
    summaries: [...new Set(parts.map(({ sha256 }) => sha256))].flatMap((sha256) => stored.get(sha256) ?? []),
    facts: parts.map(({ sha256 }) => facts.get(sha256)),
  };
}
