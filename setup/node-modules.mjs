// Installs the npm packages if the lock file has changed or an installation was interrupted.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './run-program.mjs';
import { SetupProblem } from './steps.mjs';

/** The stamp is written last and inside node_modules, so that deleting node_modules deletes it too. */
const stampOf = (root) => join(root, 'node_modules', '.perennial-setup');

/** Returns false if the packages are already installed. */
export async function installPackages(root, env, progress) {
  const wanted = digestOf(root);
  if (readStamp(root) === wanted) return false;
  rmSync(stampOf(root), { force: true });
  await runProgram('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // The install script of onnxruntime-node fetches GPU files that are not needed here, from a host that may not
    // answer.
    env: { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    onLine: progress,
  }).catch((caught) => {
    throw new SetupProblem(`npm ci failed; fix the problem below and run this command again.\n${caught.message}`);
  });
  await mustRun(root);
  const draft = `${stampOf(root)}.draft`;
  writeFileSync(draft, wanted);
  renameSync(draft, stampOf(root));
  return true;
}

/**
 * Throws if the pinned Node does not run. It is installed by an install script, which some npm configurations disable.
 */
async function mustRun(root) {
  const node = pinnedNode(root);
  if (existsSync(node) && (await runProgram(node, ['--version']).catch(() => undefined)) !== undefined) return;
  throw new SetupProblem(
    `the pinned Node (${node}) does not run: allow npm to run install scripts (npm config set ignore-scripts false) and run this command again`,
  );
}

export function pinnedNode(root) {
  return join(root, 'node_modules', '.bin', 'node');
}

function digestOf(root) {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(root, file)));
  // Binaries depend on the platform, so a folder that was copied to another platform is installed again.
  return hash.update(`${process.platform}-${process.arch}`).digest('hex');
}

function readStamp(root) {
  try {
    return readFileSync(stampOf(root), 'utf8');
  } catch {
    return undefined;
  }
}
