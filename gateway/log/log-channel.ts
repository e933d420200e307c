import type { StoredKind } from '../../contracts/data/column-batch.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { BlockRows } from '../../contracts/serving/segment-blocks/block-format.ts';
import { BlockWriter } from '../../contracts/serving/segment-blocks/block-writer.ts';
import type { EncodedContext } from '../../contracts/serving/segment-blocks/encode-block.ts';
import { encodeBlock } from '../../contracts/serving/segment-blocks/encode-block.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { WriteBytes } from './segment-file.ts';
import { SegmentFile } from './segment-file.ts';
import type { BlockSegmentHeader, ClosedSegment, SegmentFolder } from './segment-folder.ts';

export interface LogChannelDependencies {
  readonly folder: SegmentFolder;
  readonly gatewayId: Id;
  readonly ids: IdMaker;
  readonly steadyNow: () => number;
  readonly writeBytes: WriteBytes;
  /** Whether a segment of this size is closed. */
  readonly isDone: (size: { readonly rows: number; readonly bytes: number }) => boolean;
  /** Whether the log has no room for this many more bytes. */
  readonly isFull: (more: number) => boolean;
  /** Called with the number of bytes that wait for the disk or are in an open segment, when it changes. */
  readonly onBytes: (change: number) => void;
  readonly onWritten: () => void;
  readonly onFailed: (scope: Scope, caught: unknown) => void;
  readonly onClosed: (segment: ClosedSegment) => void;
}

interface OpenSegment {
  readonly header: BlockSegmentHeader;
  readonly file: SegmentFile;
  readonly openedAt: number;
  rows: number;
}

/** Blocks that go to the file in one write. All of them are written, or none. */
interface Turn {
  readonly writer: BlockWriter;
  readonly settled: PromiseWithResolvers<boolean>;
  rows: number;
}

/** A buffer that a burst has enlarged beyond this size is not kept. */
const keptBufferBytes = 4 * 2 ** 20;

/**
 * The rows of one scope with the same features. They go to one file at a time. Rows appended in one turn of the event
 * loop, or while a write is active, are combined into one write.
 */
export class LogChannel {
  readonly scope: Scope;
  readonly #features: readonly string[];
  readonly #kinds: readonly StoredKind[];
  readonly #deps: LogChannelDependencies;
  #turn: Turn;
  #spare: BlockWriter | undefined;
  #open: OpenSegment | undefined;
  #dropped = 0;
  #draining: Promise<void> | undefined;
  /** Set while rows are being written: the segment is closed after the rows appended so far. */
  #closeWanted: PromiseWithResolvers<void> | undefined;
  /** Files that are being closed. */
  readonly #closing = new Set<Promise<void>>();

  constructor(scope: Scope, features: readonly string[], kinds: readonly StoredKind[], deps: LogChannelDependencies) {
    this.scope = scope;
    this.#features = features;
    this.#kinds = kinds;
    this.#deps = deps;
    this.#turn = newTurn(undefined);
  }

  /** Whether nothing is open, waiting or counted. */
  get idle(): boolean {
    return this.#draining === undefined && this.#open === undefined && this.#dropped === 0 && this.#closing.size === 0;
  }

  /** Returns true once the operating system has the rows. They are dropped if the log is full or broken. */
  append(context: EncodedContext, rows: BlockRows): Promise<boolean> {
    const { writer, settled } = this.#turn;
    const before = writer.length;
    encodeBlock(writer, context, rows);
    const bytes = writer.length - before;
    if (this.#deps.isFull(bytes)) {
      writer.cut(before);
      return Promise.resolve(this.drop(rows.ids.length));
    }
    this.#turn.rows += rows.ids.length;
    // Counted before the write, so that rows waiting for the disk count towards the limit.
    this.#deps.onBytes(bytes);
    this.#draining ??= this.#drain();
    return settled.promise;
  }

  /** Counts rows that are not logged. */
  drop(rows: number): false {
    this.#dropped += rows;
    return false;
  }

  isOlder(milliseconds: number): boolean {
    return this.#open !== undefined && this.#deps.steadyNow() - this.#open.openedAt >= milliseconds;
  }

  /** Closes the segment after the rows appended so far. Later rows go to a new segment. */
  async close(): Promise<void> {
    if (this.#draining === undefined) this.#closeOpen();
    else await (this.#closeWanted ??= Promise.withResolvers<void>()).promise;
    await Promise.all(this.#closing);
  }

  async #drain(): Promise<void> {
    // Lets the other requests of this turn of the event loop join.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#turn.rows > 0) {
      const turn = this.#turn;
      const closeWanted = this.#closeWanted;
      this.#closeWanted = undefined;
      this.#turn = newTurn(this.#spare);
      this.#spare = undefined;
      const written = await this.#write(turn);
      if (closeWanted || this.#isDone()) this.#closeOpen();
      closeWanted?.resolve();
      turn.settled.resolve(written);
      if (turn.writer.capacity > keptBufferBytes) continue;
      turn.writer.cut(0);
      this.#spare = turn.writer;
    }
    this.#draining = undefined;
    this.#spare = undefined;
    if (this.#closeWanted) this.#closeOpen();
    this.#closeWanted?.resolve();
    this.#closeWanted = undefined;
  }

  #isDone(): boolean {
    return this.#open !== undefined && this.#deps.isDone({ rows: this.#open.rows, bytes: this.#open.file.bytes });
  }

  async #write({ writer, rows }: Turn): Promise<boolean> {
    try {
      this.#open ??= await this.#openSegment();
      await this.#open.file.append(writer.written());
      this.#open.rows += rows;
      this.#deps.onWritten();
      return true;
    } catch (caught) {
      this.#deps.onBytes(-writer.length);
      this.#deps.onFailed(this.scope, caught);
      return this.drop(rows);
    }
  }

  async #openSegment(): Promise<OpenSegment> {
    const { folder, ids, gatewayId, steadyNow, writeBytes } = this.#deps;
    const header: BlockSegmentHeader = {
      schemaVersion: 2,
      id: ids.next(),
      gatewayId,
      scope: this.scope,
      features: [...this.#features],
      kinds: [...this.#kinds],
      dropped: 0,
    };
    try {
      await folder.writeHeader(header);
      const file = await SegmentFile.create(folder.rowsPath(header), writeBytes);
      return { header, file, openedAt: steadyNow(), rows: 0 };
    } catch (caught) {
      // Otherwise every request would leave one more file on a full disk.
      await folder.remove(header.id).catch(() => undefined);
      throw caught;
    }
  }

  #closeOpen(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const dropped = this.#dropped;
    this.#dropped = 0;
    const closing = this.#closeSegment(open, dropped);
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  async #closeSegment({ header, file }: OpenSegment, dropped: number): Promise<void> {
    const { folder, onFailed, onBytes, onClosed } = this.#deps;
    await file.close().catch((caught: unknown) => onFailed(this.scope, caught));
    if (file.bytes === 0) {
      // No write succeeded.
      this.#dropped += dropped;
      await folder.remove(header.id).catch((caught: unknown) => onFailed(this.scope, caught));
      return;
    }
    const closed = { ...header, dropped };
    // If this fails, a restart loses only the number of dropped rows, and no row.
    if (dropped > 0) await folder.writeHeader(closed).catch((caught: unknown) => onFailed(this.scope, caught));
    onBytes(-file.bytes);
    onClosed({ header: closed, bytes: file.bytes });
  }
}

function newTurn(writer = new BlockWriter()): Turn {
  return { writer, settled: Promise.withResolvers(), rows: 0 };
}
