// Runs independent steps side by side and says what each does, on standard error: standard output belongs to what
// `--then` runs.

/** A sentence for whoever set it up, with the way out; nobody needs to see a stack trace. */
export class SetupProblem extends Error {}

const quietForMs = 2_000;
/** A terminal shows it live; a log is not to be filled with it. */
const sayEveryMs = process.stderr.isTTY ? 2_000 : 15_000;

/**
 * Runs one step. `work` is given a function to say how far it is, which is printed once the step has taken two
 * seconds and every few seconds from then on. It answers false if there was nothing to do.
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

/** All of them to their end, so that one that fails leaves no other half-done; then the first failure. */
export async function together(steps) {
  const ends = await Promise.allSettled(steps);
  const failed = ends.filter((end) => end.status === 'rejected').map((end) => end.reason);
  for (const other of failed.slice(1)) say(other.message);
  if (failed.length > 0) throw failed[0];
}

export function say(sentence) {
  process.stderr.write(`${sentence}\n`);
}
