import { PerennialError, reasonOf } from './errors.ts';

/** A disk with less than this left counts as full: Postgres needs that much for the next file of its log. */
export const fullBelowBytes = 16 * 2 ** 20;

/** The message for a full disk, the same everywhere. */
export function diskFullSentence(folder: string): string {
  return `the disk of ${folder} is full (ENOSPC): make room on it`;
}

export function diskFull(folder: string, cause?: unknown): PerennialError {
  return new PerennialError('disk-full', diskFullSentence(folder), { folder }, { cause });
}

/** Turns an error caused by a full disk into `disk-full`; returns other errors unchanged. */
export function asDiskFull(caught: unknown): unknown {
  if (caught instanceof PerennialError || !isAboutFullDisk(caught)) return caught;
  const message = `a disk is full (ENOSPC): ${reasonOf(caught)}; make room on it`;
  return new PerennialError('disk-full', message, {}, { cause: caught });
}

/** Whether an error or its cause reports a full disk, in the wording of Node or of another program. */
export function isAboutFullDisk(caught: unknown): boolean {
  if (!(caught instanceof Error)) return false;
  return (
    /ENOSPC|EDQUOT|no space left on device|database or disk is full/i.test(reasonOf(caught)) ||
    isAboutFullDisk(caught.cause)
  );
}
