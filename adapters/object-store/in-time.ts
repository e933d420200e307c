import { nothingCame } from '../../contracts/idle-limit.ts';

/** Answers that are one request and one response are given this long; streams of bytes take the time they take, while some come. */
const answerLimitMs = 20_000;
/** A part of an upload is sent without a sign of how far it is: 8 MiB in this time is half a megabit a second. */
const uploadIdleMs = 120_000;

/** Fails when what is counted has stood still for too long. */
export async function whileItMoves<Result>(answer: Promise<Result>, count: () => number): Promise<Result> {
  let counted = count();
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      if (count() === counted) reject(nothingCame(uploadIdleMs));
      counted = count();
    }, uploadIdleMs);
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
