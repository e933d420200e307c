import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { GatewayDisk } from './gateway-disk.ts';
import type { SegmentHeader } from './segment-folder.ts';
import { SegmentFolder } from './segment-folder.ts';
import { SegmentFile } from './segment-file.ts';
import type { SegmentUploadDependencies } from './segment-upload.ts';
import { SegmentUpload } from './segment-upload.ts';

export interface PredictionLogLimits {
  /** A segment is closed when it reaches any of these three limits. */
  readonly segmentRows: number;
  readonly segmentBytes: number;
  readonly segmentAgeMs: number;
  /** Limits of bytes and segments on local disk, over all scopes. Beyond either, rows are dropped or refused. */
  readonly bytes: number;
  readonly segments: number;
}

export const defaultLogLimits: PredictionLogLimits = {
  segmentRows: 50_000,
  segmentBytes: 32 * 2 ** 20,
  segmentAgeMs: 60_000,
  bytes: 2 ** 30,
  segments: 2_000,
};

export interface PredictionLogDependencies extends Omit<SegmentUploadDependencies, 'folder'> {
  readonly folder: string;
  readonly disk: GatewayDisk;
  readonly gatewayId: Id;
  readonly ids: IdMaker;
  readonly limits?: Partial<PredictionLogLimits>;
}

interface OpenSegment {
  readonly header: SegmentHeader;
  readonly file: SegmentFile;
  readonly openedAt: number;
}

/** Rows of one scope with the same features. They go to one file at a time. */
interface Stream {
  readonly scope: Scope;
  readonly features: readonly string[];
  open: Promise<OpenSegment> | undefined;
  dropped: number;
}

/**
 * Logs every predicted row to local disk before the request is answered, and later uploads the rows as Parquet to the
 * object store. The log is bounded: when it is full, rows are dropped and counted, or requests are refused, as the
 * model's `serve.log.onFull` says.
 */
export class PredictionLog {
  readonly #deps: PredictionLogDependencies;
  readonly #limits: PredictionLogLimits;
  readonly #folder: SegmentFolder;
  readonly #upload: SegmentUpload;
  readonly #streams = new Map<string, Stream>();
  /** Segments that are being closed, so that a flush waits for them too. */
  readonly #closing = new Set<Promise<void>>();
  #openBytes = 0;
  /** Why the last rows could not be written; `undefined` if they were written. */
  #failure: string | undefined;

  constructor(deps: PredictionLogDependencies) {
    this.#deps = deps;
    this.#limits = { ...defaultLogLimits, ...deps.limits };
    this.#folder = new SegmentFolder(deps.folder);
    this.#upload = new SegmentUpload({ ...deps, folder: this.#folder });
  }

  /**
   * Queues the segments that an earlier process left behind for upload, and sets unreadable ones aside. Returns the
   * number of segments queued.
   */
  async recover(): Promise<number> {
    const { segments, unreadable } = await this.#folder.leftovers();
    for (const segment of segments) this.#upload.add(segment);
    const { logger } = this.#deps;
    if (segments.length > 0)
      logger.info({ segments: segments.length }, 'segments of an earlier process were found and will be uploaded');
    for (const segment of unreadable) {
      const aside = await this.#folder.setAside(segment);
      logger.error(
        { segment, aside },
        'the header of a segment of predictions cannot be read, so the segment was set aside',
      );
    }
    return segments.length;
  }

  /** Bytes on local disk that the object store does not have yet. */
  get bytes(): number {
    return this.#openBytes + this.#upload.bytes;
  }

  get waitingSegments(): number {
    return this.#upload.count;
  }

  /** Why rows cannot be logged; `undefined` if no problem is known. */
  get problem(): string | undefined {
    return this.#deps.disk.problem ?? this.#failure ?? (this.#isFull(0) ? 'the prediction log is full' : undefined);
  }

  /**
   * Appends rows. Returns true once the operating system has them, and false if the log is full or broken; the rows
   * then count as dropped.
   */
  async append(scope: Scope, features: readonly string[], records: readonly PredictionRecord[]): Promise<boolean> {
    const stream = this.#stream(scope, features);
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    const bytes = Buffer.byteLength(lines);
    if (this.#deps.disk.problem !== undefined || this.#isFull(bytes)) return this.#drop(stream, records.length);
    // Counted before the write, so that rows waiting for the disk count towards the limit.
    this.#openBytes += bytes;
    try {
      const segment = await (stream.open ??= this.#openSegment(stream));
      const appended = segment.file.append(lines, records.length);
      // This must happen in the same turn as the append: a closed segment accepts no more rows, and the next rows open
      // a new one.
      if (this.#isDone(segment, bytes)) this.#rotate(stream);
      await appended;
      this.#failure = undefined;
      return true;
    } catch (caught) {
      this.#openBytes -= bytes;
      this.#failed(scope, caught);
      return this.#drop(stream, records.length);
    }
  }

  /** Logs the failure once and not for every request. */
  #failed(scope: Scope, caught: unknown): void {
    if (this.#deps.disk.note(caught)) return;
    const reason = `predictions cannot be written to ${this.#folder.path}: ${reasonOf(caught)}`;
    if (this.#failure !== reason) this.#deps.logger.error({ err: caught, scope: scopeLabel(scope) }, reason);
    this.#failure = reason;
  }

  /**
   * Uploads every row of the scope that was appended so far. Throws `model-unavailable`, or the retryable error that
   * caused it, if an upload fails.
   */
  async flush(scope: Pick<Scope, 'project' | 'model' | 'environment'>): Promise<void> {
    const label = scopeLabel(scope);
    for (const stream of this.#streams.values()) if (scopeLabel(stream.scope) === label) this.#rotate(stream);
    await Promise.all(this.#closing);
    try {
      await this.#upload.uploadNow((segment) => scopeLabel(segment.header.scope) === label);
    } catch (caught) {
      const code = caught instanceof PerennialError && caught.retryable ? caught.code : 'model-unavailable';
      throw new PerennialError(
        code,
        `some predictions of ${label} could not be uploaded and stay on the gateway's disk: ${reasonOf(caught)}`,
        {},
        { cause: caught },
      );
    }
  }

  /** Closes old segments and uploads the segments that are due. Call it every second. */
  async tend(): Promise<void> {
    for (const stream of this.#streams.values()) await this.#closeIfOld(stream);
    await Promise.all(this.#closing);
    await this.#upload.uploadDue();
  }

  /** Closes all segments and uploads what it can; the rest stays on disk until the next start. */
  async close(): Promise<void> {
    for (const stream of this.#streams.values()) this.#rotate(stream);
    await Promise.all(this.#closing);
    await this.#upload.uploadNow(() => true).catch(() => undefined);
  }

  #stream(scope: Scope, features: readonly string[]): Stream {
    const key = `${scope.modelId}/${scope.environment}/${features.join('\n')}`;
    let stream = this.#streams.get(key);
    if (!stream) this.#streams.set(key, (stream = { scope, features, open: undefined, dropped: 0 }));
    return stream;
  }

  #isFull(more: number): boolean {
    return this.bytes + more > this.#limits.bytes || this.#upload.count >= this.#limits.segments;
  }

  #isDone(segment: OpenSegment, more: number): boolean {
    return segment.file.rows >= this.#limits.segmentRows || segment.file.bytes + more >= this.#limits.segmentBytes;
  }

  #drop(stream: Stream, rows: number): false {
    stream.dropped += rows;
    return false;
  }

  async #openSegment(stream: Stream): Promise<OpenSegment> {
    const header: SegmentHeader = {
      schemaVersion: 1,
      id: this.#deps.ids.next(),
      gatewayId: this.#deps.gatewayId,
      scope: stream.scope,
      features: [...stream.features],
      dropped: 0,
    };
    try {
      await this.#folder.writeHeader(header);
      return {
        header,
        file: await SegmentFile.create(this.#folder.rowsPath(header.id)),
        openedAt: this.#deps.steadyNow(),
      };
    } catch (caught) {
      stream.open = undefined;
      // Otherwise every request would leave one more file on a full disk.
      await this.#folder.remove(header.id).catch(() => undefined);
      throw caught;
    }
  }

  async #closeIfOld(stream: Stream): Promise<void> {
    const segment = await stream.open?.catch(() => undefined);
    if (segment && this.#deps.steadyNow() - segment.openedAt >= this.#limits.segmentAgeMs) this.#rotate(stream);
  }

  /** Starts to close the stream's segment. Rows appended afterwards go to a new segment. */
  #rotate(stream: Stream): void {
    const open = stream.open;
    if (!open) return;
    stream.open = undefined;
    const dropped = stream.dropped;
    stream.dropped = 0;
    const closing = this.#closeSegment(open, dropped).catch((caught: unknown) => {
      // Opening the segment failed, and its writers have received that error.
      stream.dropped += dropped;
      this.#failed(stream.scope, caught);
    });
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  async #closeSegment(open: Promise<OpenSegment>, dropped: number): Promise<void> {
    const { header, file } = await open;
    await file.close().catch((caught: unknown) => this.#failed(header.scope, caught));
    this.#openBytes -= file.bytes;
    const closed = { ...header, dropped };
    // If this fails, a restart loses only the number of dropped rows, and no row.
    if (dropped > 0)
      await this.#folder.writeHeader(closed).catch((caught: unknown) => this.#failed(header.scope, caught));
    this.#upload.add({ header: closed, bytes: file.bytes });
  }
}
