// Runs independent steps concurrently and reports their progress on standard error, because standard output belongs to
// the command of `--then`.

/** An error for the person who runs setup. It is printed as a sentence that says what to do, without a stack trace. */
export class SetupProblem extends Error {}

const quietForMs = 2_000;
/** Often enough for a live terminal, but rarely enough not to fill a log. */
const sayEveryMs = process.stderr.isTTY ? 2_000 : 15_000;

/**
 * Runs one step. `work` gets a function to report its progress, which is printed once the step has taken two seconds
 * and every few seconds from then on. `work` returns false if there was nothing to do.
 */
export async function step(title, work) {
  const begun = Date.now();
  const seconds = () => `${((Date.now() - begun) / 1000).toFixed(1)} s`;
  let doing = '';
  const tell = () => say(`  … ${title} (${seconds()})${doing === '' ? '' : `: ${doing}`}`);
  let timer = setTimeout(() => {
    tell();
    timer = setInterval(tell, sayEveryMs);
  }, quietForMs);
  try {
    const done = await work((text) => (doing = text));
    if (done !== false) say(`  ✓ ${title} (${seconds()})${typeof done === 'string' ? `: ${done}` : ''}`);
    return done;
  } catch (caught) {
    say(`  ✗ ${title} (${seconds()})`);
    throw caught;
  } finally {
    clearTimeout(timer);
    clearInterval(timer);
  }
}

/** Waits for all steps, so that the failure of one does not leave another half-done. Then throws the first failure. */
export async function together(steps) {
  const ends = await Promise.allSettled(steps);
  const failed = ends.filter((end) => end.status === 'rejected').map((end) => end.reason);
  for (const other of failed.slice(1)) say(other.message);
  if (failed.length > 0) throw failed[0];
}

export function say(sentence) {
  process.stderr.write(`${sentence}\n`);
}
