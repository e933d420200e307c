// Builds the Python environment of the example with the same code as the worker, in the place where the worker looks
// for it.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinnedNode } from './node-modules.mjs';
import { runProgram } from './run-program.mjs';
import { SetupProblem } from './steps.mjs';

const lockOf = (root) => join(root, 'examples', 'bike-demand', 'train', 'requirements.lock');
const stampOf = (root) => join(root, 'node_modules', '.perennial-environment');

/** Returns false if the environment already exists. The npm packages must be installed. */
export async function prepareExampleEnvironment(root, env, progress) {
  const wanted = createHash('sha256')
    .update(readFileSync(lockOf(root)))
    .update(env.PERENNIAL_CACHE ?? '')
    .digest('hex');
  if (isThere(stampOf(root), wanted)) return false;
  const said = await runProgram(pinnedNode(root), [join(root, 'stack', 'prepare-environment.ts'), lockOf(root)], {
    cwd: root,
    env,
    onLine: progress,
  }).catch((caught) => {
    throw new SetupProblem(
      `the Python environment of the example could not be created; fix the problem below and run this command again.\n${caught.message}`,
    );
  });
  const { binFolder } = JSON.parse(said.trimEnd().split('\n').at(-1));
  const draft = `${stampOf(root)}.draft`;
  writeFileSync(draft, JSON.stringify({ wanted, binFolder }));
  renameSync(draft, stampOf(root));
  return true;
}

function isThere(stamp, wanted) {
  try {
    const known = JSON.parse(readFileSync(stamp, 'utf8'));
    // `environment.json` next to the environment shows that it is complete.
    return known.wanted === wanted && existsSync(join(known.binFolder, '..', '..', 'environment.json'));
  } catch {
    return false;
  }
}
