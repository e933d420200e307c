import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory that a test may fill. */
export interface SmallDisk {
  readonly folder: string;
  /** Uses up all free space. */
  fill(): void;
  /** Frees the space that `fill` took. */
  makeRoom(): void;
  unmount(): Promise<void>;
}

/** Mounts a file system of this size. Mounting needs root, or `sudo` without a password. */
export async function mountSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-small-disk-'));
  asRoot('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=777`, 'tmpfs', folder]);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: () => writeUntilFull(filler),
    makeRoom: () => rmSync(filler, { force: true }),
    async unmount() {
      asRoot('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true });
    },
  };
}

function asRoot(program: string, args: readonly string[]): void {
  const isRoot = process.getuid?.() === 0;
  execFileSync(isRoot ? program : 'sudo', isRoot ? args : ['-n', program, ...args], { stdio: 'pipe' });
}

function writeUntilFull(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (let size = 2 ** 20; size >= 1; size = Math.floor(size / 2)) {
      const bytes = Buffer.alloc(size);
      try {
        for (;;) writeSync(file, bytes);
      } catch (caught) {
        if (!(caught instanceof Error && 'code' in caught && caught.code === 'ENOSPC')) throw caught;
      }
    }
  } finally {
    closeSync(file);
  }
}
