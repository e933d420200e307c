import type { DiskSpace } from '../ports/disk-space.ts';

const lookEveryMs = 2_000;

/**
 * Reports once when the stack's disk is full, and once when there is free space again. Returns a function that stops
 * the watch.
 */
export function watchDisk(disk: DiskSpace, say: (sentence: string) => void): () => void {
  let full = false;
  const look = async (): Promise<void> => {
    const complaint = await disk.complaint().catch(() => undefined);
    if (complaint !== undefined && !full)
      say(`${complaint}; parts of the stack that stop because of this are restarted automatically`);
    if (complaint === undefined && full) say('the disk has room again');
    full = complaint !== undefined;
  };
  const timer = setInterval(() => void look(), lookEveryMs);
  return () => clearInterval(timer);
}
