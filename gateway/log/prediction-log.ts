import type { BatchLayout } from '../../contracts/data/column-batch.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { ServedScope, ServedSlot } from '../serving/serving-table.ts';
import type { AnsweredRows } from './answered-rows.ts';
import { loggedBlocks, leastBytes } from './answered-rows.ts';
import type { GatewayDisk } from './gateway-disk.ts';
import type { LogChannelDependencies } from './log-channel.ts';
import { LogChannel } from './log-channel.ts';
import type { LogStream } from './log-stream.ts';
import { logContext } from './log-stream.ts';
import type { WriteBytes } from './segment-file.ts';
import { writesOf } from './segment-file.ts';
import { SegmentFolder } from './segment-folder.ts';
import type { SegmentUploadDependencies } from './segment-upload.ts';
import { SegmentUpload } from './segment-upload.ts';

export interface PredictionLogLimits {
  /** A segment is closed when it reaches any of these three limits. */
  readonly segmentRows: number;
  readonly segmentBytes: number;
  readonly segmentAgeMs: number;
  /**
   * Limits of bytes and segments on local disk, over all scopes. Beyond either, rows are dropped or refused. Default of
   * `bytes`: a share of the disk, see `bytesForDisk`.
   */
  readonly bytes: number;
  readonly segments: number;
}

const gibibyte = 2 ** 30;

/**
 * Returns how many bytes of a disk of this size the log may hold: a quarter, from 1 to 32 GiB. 400,000 rows a second with
 * 30 features are about 7 GiB a minute, which wait here if they arrive faster than they are uploaded. The disk's free
 * space is watched separately (`GatewayDisk`).
 */
function bytesForDisk(size: number): number {
  return Math.min(Math.max(size / 4, gibibyte), 32 * gibibyte);
}

const defaultLogLimits: PredictionLogLimits = {
  // Sealing a segment starts a process, so a few large segments cost less than many small ones.
  segmentRows: 200_000,
  segmentBytes: 96 * 2 ** 20,
  segmentAgeMs: 60_000,
  bytes: bytesForDisk(0),
  segments: 2_000,
};

export interface PredictionLogDependencies extends Omit<SegmentUploadDependencies, 'folder'> {
  readonly folder: string;
  readonly disk: GatewayDisk;
  readonly gatewayId: Id;
  readonly ids: IdMaker;
  readonly limits?: Partial<PredictionLogLimits>;
  /** Default: `writesOf`. */
  readonly writeBytes?: WriteBytes | undefined;
}

/** Idle channels are forgotten when there are this many. */
const mostChannels = 1_000;

/**
 * Logs every predicted row to local disk before the request is answered, and later uploads the rows as Parquet to the
 * object store. The log is bounded: when it is full, rows are dropped and counted, or requests are refused, as the
 * model's `serve.log.onFull` says.
 */
export class PredictionLog {
  readonly #deps: PredictionLogDependencies;
  #limits: PredictionLogLimits;
  readonly #folder: SegmentFolder;
  readonly #upload: SegmentUpload;
  readonly #channelDependencies: LogChannelDependencies;
  readonly #channels = new Map<string, LogChannel>();
  /** Channels that may have rows or counts that are not uploaded. */
  readonly #active = new Set<LogChannel>();
  readonly #streams = new WeakMap<ServedScope, WeakMap<ServedSlot, LogStream>>();
  #openBytes = 0;
  /** Why the last rows could not be written; `undefined` if they were written. */
  #failure: string | undefined;

  constructor(deps: PredictionLogDependencies) {
    this.#deps = deps;
    this.#limits = { ...defaultLogLimits, ...deps.limits };
    this.#folder = new SegmentFolder(deps.folder);
    this.#upload = new SegmentUpload({ ...deps, folder: this.#folder });
    this.#channelDependencies = this.#dependenciesOfChannels();
  }

  /**
   * Queues the segments that an earlier process left behind for upload, and sets unreadable ones aside. Returns the
   * number of segments queued.
   */
  async recover(): Promise<number> {
    this.#limits = { ...this.#limits, bytes: this.#deps.limits?.bytes ?? bytesForDisk(await this.#deps.disk.size()) };
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

  /** Returns what `append` needs for the rows that a slot answers. It is prepared at the first call. */
  stream(served: ServedScope, slot: ServedSlot): LogStream {
    let ofScope = this.#streams.get(served);
    if (ofScope === undefined) this.#streams.set(served, (ofScope = new WeakMap()));
    let stream = ofScope.get(slot);
    if (stream === undefined) ofScope.set(slot, (stream = this.#newStream(served, slot)));
    return stream;
  }

  /**
   * Appends rows, many of them in pieces, between which the rows of other requests are written. Resolves once the
   * operating system has them. If the log is full or breaks meanwhile, the rest of the rows count as dropped.
   *
   * @returns number of dropped rows: the last ones.
   */
  async append({ channel, context }: LogStream, rows: AnsweredRows, recordedAt: Instant): Promise<number> {
    const { length } = rows.ids;
    if (length === 0) return 0;
    if (this.#deps.disk.problem !== undefined || this.#isFull(leastBytes(rows))) {
      channel.drop(length);
      return length;
    }
    for (const block of loggedBlocks(rows, recordedAt)) {
      this.#active.add(channel);
      if (await channel.append(context, block)) continue;
      const dropped = length - block.firstRow;
      channel.drop(dropped - block.ids.length);
      return dropped;
    }
    return 0;
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
    await this.#close((channel) => scopeLabel(channel.scope) === label);
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
    await this.#close((channel) => channel.isOlder(this.#limits.segmentAgeMs));
    await this.#upload.uploadDue();
  }

  /** Closes all segments and uploads what it can; the rest stays on disk until the next start. */
  async close(): Promise<void> {
    await this.#close(() => true);
    await this.#upload.uploadNow(() => true).catch(() => undefined);
  }

  async #close(wanted: (channel: LogChannel) => boolean): Promise<void> {
    await Promise.all([...this.#active].filter(wanted).map((channel) => channel.close()));
    for (const channel of this.#active) if (channel.idle) this.#active.delete(channel);
  }

  #newStream(served: ServedScope, slot: ServedSlot): LogStream {
    return { context: logContext(served, slot), channel: this.#channel(served.scope, slot.taken.layout) };
  }

  /** Returns the channel that all releases of the scope with the same features share. */
  #channel(scope: Scope, { names, kinds }: BatchLayout): LogChannel {
    const key = JSON.stringify([scope.modelId, scope.environment, names, kinds]);
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    // Streams of generations that still serve keep their channel even if it is forgotten here.
    if (this.#channels.size >= mostChannels)
      for (const [other, { idle }] of this.#channels) if (idle) this.#channels.delete(other);
    const channel = new LogChannel(scope, names, kinds, this.#channelDependencies);
    this.#channels.set(key, channel);
    return channel;
  }

  #dependenciesOfChannels(): LogChannelDependencies {
    const { gatewayId, ids, steadyNow, writeBytes = writesOf(steadyNow) } = this.#deps;
    const { segmentRows, segmentBytes } = this.#limits;
    return {
      folder: this.#folder,
      gatewayId,
      ids,
      steadyNow,
      writeBytes,
      isDone: ({ rows, bytes }) => rows >= segmentRows || bytes >= segmentBytes,
      isFull: (more) => this.#isFull(more),
      onBytes: (change) => (this.#openBytes += change),
      onWritten: () => (this.#failure = undefined),
      onFailed: (scope, caught) => this.#failed(scope, caught),
      onClosed: (segment) => this.#upload.add(segment),
    };
  }

  #isFull(more: number): boolean {
    return this.bytes + more > this.#limits.bytes || this.#upload.count >= this.#limits.segments;
  }
}
