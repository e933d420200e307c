import { rm } from 'node:fs/promises';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import type { Counting } from '../../ports/segment-summary.ts';
import type { TableEngine } from '../../ports/table-engine.ts';
import { isAboutFullDisk } from '../../contracts/disk-full.ts';
import type { GatewayDisk } from './gateway-disk.ts';
import { indexPages } from './index-pages.ts';
import type { ClosedSegment, SegmentFolder, SegmentHeader } from './segment-folder.ts';

export interface SegmentUploadDependencies {
  readonly folder: SegmentFolder;
  readonly disk: Pick<GatewayDisk, 'look'>;
  readonly tableEngine: Pick<TableEngine, 'sealSegment'>;
  readonly objectStore: Pick<ObjectStore, 'putFile'>;
  readonly monitoring: Pick<MonitoringRepository, 'addSegment' | 'counting'>;
  readonly logger: Logger;
  readonly steadyNow: () => number;
}

interface Waiting {
  readonly segment: ClosedSegment;
  failures: number;
  notBefore: number;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;
/** After this time, the log's other work has its turn, even if more segments are due. */
const longestRoundMs = 10_000;
/**
 * A segment is set aside after this many failures to read its rows. An unreachable object store or database is retried
 * without limit.
 */
const unreadableAfter = 5;

/**
 * Uploads closed segments: converts the rows to Parquet, stores the bytes, inserts the database row, and only then
 * removes the local files. Each step may run twice. A failed segment stays on disk and is retried at growing intervals.
 */
export class SegmentUpload {
  readonly #deps: SegmentUploadDependencies;
  readonly #waiting = new Map<Id, Waiting>();
  readonly #underWay = new Map<Id, Promise<void>>();
  #last: Promise<unknown> = Promise.resolve();
  #bytes = 0;

  constructor(deps: SegmentUploadDependencies) {
    this.#deps = deps;
  }

  add(segment: ClosedSegment): void {
    this.#waiting.set(segment.header.id, { segment, failures: 0, notBefore: 0 });
    this.#bytes += segment.bytes;
  }

  get count(): number {
    return this.#waiting.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  #forget({ header, bytes }: ClosedSegment): void {
    if (this.#waiting.delete(header.id)) this.#bytes -= bytes;
  }

  /**
   * Uploads every waiting segment that `wanted` selects, now. Rejects with the first failure, after trying all of them.
   */
  async uploadNow(wanted: (segment: ClosedSegment) => boolean): Promise<void> {
    const picked = [...this.#waiting.values()].filter((waiting) => wanted(waiting.segment));
    const results = await Promise.allSettled(picked.map((waiting) => this.#upload(waiting)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Uploads segments that are due, for a bounded time. Failures are logged. */
  async uploadDue(): Promise<void> {
    const begun = this.#deps.steadyNow();
    for (const waiting of [...this.#waiting.values()].filter(({ notBefore }) => notBefore <= begun)) {
      await this.#upload(waiting).catch(() => undefined);
      if (this.#deps.steadyNow() - begun >= longestRoundMs) return;
    }
  }

  /**
   * Uploads one segment at a time, because each needs a process of the table engine. Concurrent calls for one segment
   * share its upload.
   */
  #upload(waiting: Waiting): Promise<void> {
    const { id } = waiting.segment.header;
    const known = this.#underWay.get(id);
    if (known) return known;
    const upload = this.#last.then(() => this.#run(waiting)).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, upload);
    this.#last = upload.catch(() => undefined);
    return upload;
  }

  async #run(waiting: Waiting): Promise<void> {
    const { header } = waiting.segment;
    if (!this.#waiting.has(header.id)) return;
    try {
      await this.#deliver(waiting.segment);
      this.#forget(waiting.segment);
    } catch (caught) {
      await this.#failed(waiting, caught);
      throw caught;
    }
  }

  async #deliver({ header }: ClosedSegment): Promise<void> {
    const { folder, objectStore, monitoring } = this.#deps;
    const path = folder.parquetPath(header.id);
    const counting = await monitoring.counting(header.scope);
    const { rows, from, to, summary } = await this.#seal(header, counting?.counting);
    if (rows > 0) {
      const { sha256 } = await objectStore.putFile(path);
      const { id, gatewayId, dropped, scope } = header;
      await monitoring.addSegment(
        {
          id,
          gatewayId,
          modelId: scope.modelId,
          environment: scope.environment,
          sha256,
          rows,
          dropped,
          from,
          to,
        },
        indexPages(folder.indexPath(header.id)),
        counting === undefined || summary === null ? undefined : { key: counting.key, summary },
      );
    }
    await folder.remove(header.id);
  }

  async #seal(header: SegmentHeader, counting: Counting | undefined): ReturnType<TableEngine['sealSegment']> {
    const { folder, tableEngine, disk } = this.#deps;
    const path = folder.parquetPath(header.id);
    const indexPath = folder.indexPath(header.id);
    for (const made of [path, indexPath]) await rm(made, { force: true });
    try {
      const { features } = header;
      const rows = folder.rowsPath(header);
      const form = header.schemaVersion === 1 ? { ndjson: rows } : { blocks: rows, kinds: header.kinds };
      return await tableEngine.sealSegment({
        ...form,
        features,
        path,
        indexPath,
        ...(counting === undefined ? {} : { counting }),
      });
    } catch (caught) {
      // Checks the disk now: the failed attempt may have taken seconds, and the disk may have space again.
      if (isAboutFullDisk(caught)) await disk.look();
      for (const made of [path, indexPath]) await rm(made, { force: true });
      throw caught;
    }
  }

  async #failed(waiting: Waiting, caught: unknown): Promise<void> {
    const { id } = waiting.segment.header;
    waiting.failures += 1;
    waiting.notBefore =
      this.#deps.steadyNow() + Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(waiting.failures - 1, 10));
    const unreadable = caught instanceof PerennialError && !caught.retryable && !isAboutFullDisk(caught);
    if (unreadable && waiting.failures >= unreadableAfter) {
      this.#forget(waiting.segment);
      const aside = await this.#deps.folder.setAside(id);
      this.#deps.logger.error(
        { err: caught, segment: id, aside },
        'a segment of predictions cannot be read and was set aside',
      );
      return;
    }
    this.#deps.logger.warn(
      { segment: id, failures: waiting.failures, reason: reasonOf(caught) },
      'a segment of predictions was not uploaded; it stays on disk and is tried again',
    );
  }
}
