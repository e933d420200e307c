import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFullSentence, fullBelowBytes, isAboutFullDisk } from '../../contracts/disk-full.ts';
import type { Logger } from '../../ports/logger.ts';

const mebibyte = 2 ** 20;
/**
 * Logging leaves `fullBelowBytes` of the disk free, or this share of a smaller disk: sealing a segment for upload needs
 * space, so a log that filled its disk could never be emptied.
 */
const leftFreeShare = 0.05;
const probe = Buffer.alloc(64 * 1024);

/** Tracks whether the gateway's disk has free space. A change is logged once, not for every request. */
export class GatewayDisk {
  readonly #folder: string;
  readonly #logger: Logger;
  #problem: string | undefined;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** The reason why nothing can be written; `undefined` if there is space. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Returns true for an error of a full disk, and records that the disk is full. */
  note(caught: unknown): boolean {
    if (!isAboutFullDisk(caught)) return false;
    this.#set(diskFullSentence(this.#folder, caught));
    return true;
  }

  /** Size of the disk in bytes, used or free. */
  async size(): Promise<number> {
    const { blocks, bsize } = await statfs(this.#folder);
    return blocks * bsize;
  }

  /** Detects whether the disk has filled up or has space again. Call it every second. */
  async look(): Promise<void> {
    const { bavail, blocks, bsize } = await statfs(this.#folder);
    const [free, size] = [bavail * bsize, blocks * bsize];
    const least = Math.min(fullBelowBytes, size * leftFreeShare);
    if (free < least) {
      const numbers = `${inMebibytes(free)} of ${inMebibytes(size)} MiB are free, and ${inMebibytes(least)} MiB are reserved for uploads`;
      this.#set(`${diskFullSentence(this.#folder)}; ${numbers}`);
    } else if (this.#problem !== undefined && (await this.#takesBytes())) {
      this.#problem = undefined;
      this.#logger.info({ folder: this.#folder }, 'the disk has room again');
    }
  }

  /** Tries a write, because a quota is not visible in the file system's numbers. */
  async #takesBytes(): Promise<boolean> {
    const path = join(this.#folder, 'space.part');
    try {
      await writeFile(path, probe);
      return true;
    } catch {
      return false;
    } finally {
      await rm(path, { force: true });
    }
  }

  #set(problem: string): void {
    if (this.#problem === undefined) this.#logger.error({ folder: this.#folder }, `${problem}; serving continues`);
    this.#problem = problem;
  }
}

function inMebibytes(bytes: number): string {
  return (bytes / mebibyte).toFixed(1);
}
