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
  /** A segment is closed at any of these. */
  readonly segmentRows: number;
  readonly segmentBytes: number;
  readonly segmentAgeMs: number;
  /** On local disk over all segments; beyond either, rows are dropped or refused. */
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

/** Rows of one scope and one list of features go to one file at a time. */
interface Stream {
  readonly scope: Scope;
  readonly features: readonly string[];
  open: Promise<OpenSegment> | undefined;
  dropped: number;
}

/**
 * Every answered row, on local disk before it is answered, and from there as Parquet to the object store. Bounded: a
 * full log drops rows and counts them, or has them refused, as the model's `serve.log.onFull` says.
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
  /** Why the last rows could not be written; undefined: they were written. */
  #failure: string | undefined;

  constructor(deps: PredictionLogDependencies) {
    this.#deps = deps;
    this.#limits = { ...defaultLogLimits, ...deps.limits };
    this.#folder = new SegmentFolder(deps.folder);
    this.#upload = new SegmentUpload({ ...deps, folder: this.#folder });
  }

  /** Takes up what an earlier process left behind. */
  async recover(): Promise<number> {
    const { segments, unreadable } = await this.#folder.leftovers();
    for (const segment of segments) this.#upload.add(segment);
    const { logger } = this.#deps;
    if (segments.length > 0)
      logger.info({ segments: segments.length }, 'segments of an earlier process were found and will be uploaded');
    for (const segment of unreadable) {
      const aside = await this.#folder.setAside(segment);
      logger.error({ segment, aside }, 'the header of a segment of predictions cannot be read, and it was set aside');
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

  /** Why rows of the scope's model are not written down; undefined: they are, as far as is known. */
  get problem(): string | undefined {
    return this.#deps.disk.problem ?? this.#failure ?? (this.#isFull(0) ? 'the log of predictions is full' : undefined);
  }

  /** true: the operating system has the rows. false: the log is full or broken, and they are counted as dropped. */
  async append(scope: Scope, features: readonly string[], records: readonly PredictionRecord[]): Promise<boolean> {
    const stream = this.#stream(scope, features);
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    const bytes = Buffer.byteLength(lines);
    if (this.#deps.disk.problem !== undefined || this.#isFull(bytes)) return this.#drop(stream, records.length);
    // Counted before it is written, so that what waits for the disk counts as well.
    this.#openBytes += bytes;
    try {
      const segment = await (stream.open ??= this.#openSegment(stream));
      const appended = segment.file.append(lines, records.length);
      // In the turn of the append: a closed segment takes no more, and the next rows open another.
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

  /** Resolves when every row of the scope that was appended so far is in the object store; `model-unavailable` with the reason if that fails. */
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
        `predictions of ${label} were not all uploaded; they stay on the gateway's disk: ${reasonOf(caught)}`,
        {},
        { cause: caught },
      );
    }
  }

  /** To be called every second: closes old segments and uploads what is due. */
  async tend(): Promise<void> {
    for (const stream of this.#streams.values()) await this.#closeIfOld(stream);
    await Promise.all(this.#closing);
    await this.#upload.uploadDue();
  }

  /** Closes everything and uploads what it can; the rest waits on disk for the next start. */
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

  /** From this turn on, rows of the stream open another segment. */
  #rotate(stream: Stream): void {
    const open = stream.open;
    if (!open) return;
    stream.open = undefined;
    const dropped = stream.dropped;
    stream.dropped = 0;
    const closing = this.#closeSegment(open, dropped).catch((caught: unknown) => {
      // The segment was never opened, and its writers have received that error.
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
    // If this fails, a restart forgets only the number of dropped rows, and no row.
    if (dropped > 0)
      await this.#folder.writeHeader(closed).catch((caught: unknown) => this.#failed(header.scope, caught));
    this.#upload.add({ header: closed, bytes: file.bytes });
  }
}
