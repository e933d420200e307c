import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Id, Scope } from '../../contracts/identifiers.ts';
import { writeWhole } from '../../files/write-whole.ts';

const shape = {
  /** Also identifies the upload, so that a repeated upload adds no second row. */
  id: Id,
  gatewayId: Id,
  scope: Scope,
  features: z.array(z.string()),
  dropped: z.number().int(),
};
/** Version 2: the rows are blocks (`contracts/serving/segment-blocks`), and `kinds` says how each feature is stored. */
const BlockSegmentHeader = z.object({
  schemaVersion: z.literal(2),
  ...shape,
  kinds: z.array(z.enum(['number', 'boolean', 'text'])),
});
export type BlockSegmentHeader = z.infer<typeof BlockSegmentHeader>;
/**
 * Metadata of a segment that its rows do not contain. It is a separate file, written before the first row. Version 1,
 * which gateways up to 0.2 wrote: the rows are JSON lines.
 */
const SegmentHeader = z.discriminatedUnion('schemaVersion', [
  z.object({ schemaVersion: z.literal(1), ...shape }),
  BlockSegmentHeader,
]);
export type SegmentHeader = z.infer<typeof SegmentHeader>;

const rowsExtension = { 1: 'ndjson', 2: 'blocks' } as const;

/** A segment that accepts no more rows. */
export interface ClosedSegment {
  readonly header: SegmentHeader;
  readonly bytes: number;
}

/**
 * Folder of segments. Each has `<id>.json` (header) and `<id>.blocks` or `<id>.ndjson` (rows), and during its upload
 * `<id>.parquet` and `<id>.index.ndjson`.
 */
export class SegmentFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get path(): string {
    return this.#folder;
  }

  rowsPath({ id, schemaVersion }: Pick<SegmentHeader, 'id' | 'schemaVersion'>): string {
    return join(this.#folder, `${id}.${rowsExtension[schemaVersion]}`);
  }

  parquetPath(id: Id): string {
    return join(this.#folder, `${id}.parquet`);
  }

  indexPath(id: Id): string {
    return join(this.#folder, `${id}.index.ndjson`);
  }

  async writeHeader(header: SegmentHeader): Promise<void> {
    const path = join(this.#folder, `${header.id}.json`);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeWhole(path, JSON.stringify(header), { mode: 0o600, flush: false });
  }

  /**
   * Removes a segment's files. Rows go before the header: a header without rows is harmless, but rows without a header
   * would be lost.
   */
  async remove(id: Id): Promise<void> {
    for (const extension of ['parquet', 'index.ndjson', ...Object.values(rowsExtension), 'json'])
      await rm(join(this.#folder, `${id}.${extension}`), { force: true });
  }

  /** Moves a segment to the folder `unreadable`, so that a person can examine it. Returns the path of that folder. */
  async setAside(id: Id): Promise<string> {
    const aside = join(this.#folder, 'unreadable');
    await mkdir(aside, { recursive: true, mode: 0o700 });
    for (const extension of [...Object.values(rowsExtension), 'json'])
      await rename(join(this.#folder, `${id}.${extension}`), join(aside, `${id}.${extension}`)).catch(() => undefined);
    return aside;
  }

  /**
   * Returns the segments that an earlier process left behind, oldest first, and the ids of segments with an unreadable
   * header.
   */
  async leftovers(): Promise<{ readonly segments: readonly ClosedSegment[]; readonly unreadable: readonly Id[] }> {
    const names = await readdir(this.#folder).catch(() => []);
    const segments: ClosedSegment[] = [];
    const unreadable: Id[] = [];
    for (const name of names.filter((candidate) => candidate.endsWith('.json')).toSorted()) {
      const header = await this.#readHeader(name);
      if (header === undefined) unreadable.push(name.slice(0, -'.json'.length));
      else segments.push(...(await this.#rowsOf(header)));
    }
    return { segments, unreadable };
  }

  /** Returns `undefined` if the file is damaged, for example after a power failure or on a full disk. */
  async #readHeader(name: string): Promise<SegmentHeader | undefined> {
    const text = await readFile(join(this.#folder, name), 'utf8');
    try {
      return SegmentHeader.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  async #rowsOf(header: SegmentHeader): Promise<readonly ClosedSegment[]> {
    const rows = await stat(this.rowsPath(header)).catch(() => undefined);
    if (rows && rows.size > 0) return [{ header, bytes: rows.size }];
    await this.remove(header.id);
    return [];
  }
}
