import { nothingCame } from '../../contracts/time/idle-limit.ts';

/** Time limit of a single request and response. A stream of bytes has no total limit while bytes keep coming. */
const answerLimitMs = 20_000;
/** Time limit of one part of an upload, which reports no progress: 8 MiB in this time is half a megabit per second. */
export const usualUploadIdleMs = 120_000;

/** Waits for the answer. Rejects if `count` returns the same number for `idleMs` milliseconds. */
export async function whileItMoves<Result>(
  answer: Promise<Result>,
  count: () => number,
  idleMs: number,
): Promise<Result> {
  let counted = count();
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      if (count() === counted) reject(nothingCame(idleMs));
      counted = count();
    }, idleMs);
  });
  try {
    return await Promise.race([answer, stalled]);
  } finally {
    clearInterval(timer);
  }
}

export async function inTime<Result>(answer: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${answerLimitMs / 1000} s`)), answerLimitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
