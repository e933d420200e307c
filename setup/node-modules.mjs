// npm's packages, installed when the lock file has changed or an installation was broken off.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './run-program.mjs';
import { SetupProblem } from './steps.mjs';

/** Written last and into what it vouches for, so that it goes with it. */
const stampOf = (root) => join(root, 'node_modules', '.perennial-setup');

/** False if they are there already. */
export async function installPackages(root, env, progress) {
  const wanted = digestOf(root);
  if (readStamp(root) === wanted) return false;
  rmSync(stampOf(root), { force: true });
  await runProgram('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // Its script fetches files for GPUs that nothing here uses, from a host that may not answer.
    env: { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    onLine: progress,
  }).catch((caught) => {
    throw new SetupProblem(`npm ci failed; mend what it says and run this again.\n${caught.message}`);
  });
  await mustRun(root);
  const draft = `${stampOf(root)}.draft`;
  writeFileSync(draft, wanted);
  renameSync(draft, stampOf(root));
  return true;
}

/** The pinned Node comes by an install script, which some configurations of npm switch off. */
async function mustRun(root) {
  const node = pinnedNode(root);
  if (existsSync(node) && (await runProgram(node, ['--version']).catch(() => undefined)) !== undefined) return;
  throw new SetupProblem(
    `the pinned Node (${node}) does not run: npm must be allowed to run install scripts (npm config set ignore-scripts false), then run this again`,
  );
}

export function pinnedNode(root) {
  return join(root, 'node_modules', '.bin', 'node');
}

function digestOf(root) {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(root, file)));
  // Binaries are of one platform; a folder that was carried to another one is installed again.
  return hash.update(`${process.platform}-${process.arch}`).digest('hex');
}

function readStamp(root) {
  try {
    return readFileSync(stampOf(root), 'utf8');
  } catch {
    return undefined;
  }
}
