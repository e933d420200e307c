import { PerennialError, reasonOf } from '../contracts/errors.ts';
import type { Id, Scope } from '../contracts/identifiers.ts';
import { scopeLabel } from '../contracts/identifiers.ts';
import type { PredictionRecord } from '../contracts/prediction.ts';
import type { IdMaker } from '../ports/ids.ts';
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

  constructor(deps: PredictionLogDependencies) {
    this.#deps = deps;
    this.#limits = { ...defaultLogLimits, ...deps.limits };
    this.#folder = new SegmentFolder(deps.folder);
    this.#upload = new SegmentUpload({ ...deps, folder: this.#folder });
  }

  /** Takes up what an earlier process left behind. */
  async recover(): Promise<number> {
    const leftovers = await this.#folder.leftovers();
    for (const segment of leftovers) this.#upload.add(segment);
    if (leftovers.length > 0)
      this.#deps.logger.info(
        { segments: leftovers.length },
        'segments of an earlier process were found and will be uploaded',
      );
    return leftovers.length;
  }

  /** Bytes on local disk that the object store does not have yet. */
  get bytes(): number {
    return this.#openBytes + this.#upload.bytes;
  }

  get waitingSegments(): number {
    return this.#upload.count;
  }

  /** true: the operating system has the rows. false: the log is full or broken, and they are counted as dropped. */
  async append(scope: Scope, features: readonly string[], records: readonly PredictionRecord[]): Promise<boolean> {
    const stream = this.#stream(scope, features);
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    const bytes = Buffer.byteLength(lines);
    if (this.#isFull(bytes)) return this.#drop(stream, records.length);
    // Counted before it is written, so that what waits for the disk counts as well.
    this.#openBytes += bytes;
    try {
      const segment = await (stream.open ??= this.#openSegment(stream));
      const appended = segment.file.append(lines, records.length);
      // In the turn of the append: a closed segment takes no more, and the next rows open another.
      if (this.#isDone(segment, bytes)) this.#rotate(stream);
      await appended;
      return true;
    } catch (caught) {
      this.#openBytes -= bytes;
      this.#deps.logger.error({ err: caught, scope: scopeLabel(scope) }, 'predictions cannot be written to local disk');
      return this.#drop(stream, records.length);
    }
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
    try {
      const header: SegmentHeader = {
        schemaVersion: 1,
        id: this.#deps.ids.next(),
        gatewayId: this.#deps.gatewayId,
        scope: stream.scope,
        features: [...stream.features],
        dropped: 0,
      };
      await this.#folder.writeHeader(header);
      return {
        header,
        file: await SegmentFile.create(this.#folder.rowsPath(header.id)),
        openedAt: this.#deps.steadyNow(),
      };
    } catch (caught) {
      stream.open = undefined;
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
      stream.dropped += dropped;
      this.#deps.logger.error(
        { err: caught, scope: scopeLabel(stream.scope) },
        'a segment of predictions cannot be closed; it is taken up at the next start',
      );
    });
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  async #closeSegment(open: Promise<OpenSegment>, dropped: number): Promise<void> {
    const { header, file } = await open;
    await file.close();
    this.#openBytes -= file.bytes;
    if (dropped > 0) await this.#folder.writeHeader({ ...header, dropped });
    this.#upload.add({ header: { ...header, dropped }, bytes: file.bytes });
  }
}
