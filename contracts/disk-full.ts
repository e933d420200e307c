import { PerennialError, reasonOf } from './errors.ts';

/**
 * A disk with less free space than this counts as full: Postgres needs this much for its next write-ahead log segment.
 */
export const fullBelowBytes = 16 * 2 ** 20;

/**
 * Linux (122) and macOS (69) report EDQUOT, an exhausted quota, with these error numbers, for which Node has no name.
 */
const aboutQuota = /EDQUOT|disk quota exceeded|unknown system error -(122|69)\b/i;
const aboutFullDisk = /ENOSPC|no space left on device|database or disk is full/i;

/**
 * Returns the message for a full disk, which is the same everywhere. `cause` is the error that reported the full disk.
 */
export function diskFullSentence(folder: string, cause?: unknown): string {
  return isAboutQuota(cause)
    ? `the disk quota for ${folder} is used up (EDQUOT): make room there, or raise the quota`
    : `the disk of ${folder} is full (ENOSPC): make room on it`;
}

export function diskFull(folder: string, cause?: unknown): PerennialError {
  return new PerennialError('disk-full', diskFullSentence(folder, cause), { folder }, { cause });
}

/** Turns an error caused by a full disk or an exhausted quota into `disk-full`; returns other errors unchanged. */
export function asDiskFull(caught: unknown): unknown {
  if (caught instanceof PerennialError || !isAboutFullDisk(caught)) return caught;
  const message = isAboutQuota(caught)
    ? `a disk quota is used up (EDQUOT): ${reasonOf(caught)}; make room, or raise the quota`
    : `a disk is full (ENOSPC): ${reasonOf(caught)}; make room on it`;
  return new PerennialError('disk-full', message, {}, { cause: caught });
}

/**
 * Returns whether an error or one of its causes reports a full disk or an exhausted quota, in the wording of Node or of
 * another program.
 */
export function isAboutFullDisk(caught: unknown): boolean {
  return isAboutQuota(caught) || says(aboutFullDisk, caught);
}

function isAboutQuota(caught: unknown): boolean {
  return says(aboutQuota, caught);
}

function says(words: RegExp, caught: unknown): boolean {
  return caught instanceof Error && (words.test(reasonOf(caught)) || says(words, caught.cause));
}
