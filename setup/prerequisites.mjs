// Checks what must already be installed on the machine.
import { runProgram } from './run-program.mjs';
import { SetupProblem } from './steps.mjs';

const oldestNode = [20, 11];
const oldestPython = [3, 10];

export function requireNode(version = process.versions.node) {
  if (isAtLeast(version, oldestNode)) return;
  throw new SetupProblem(
    `Node ${version} is too old: install Node ${oldestNode.join('.')} or newer, which is used only to start the pinned version`,
  );
}

/** Throws unless Python is installed, on which the example's training runs. */
export async function requirePython(env) {
  const remedy = `install Python ${oldestPython.join('.')} or newer, so that python3 is on the PATH`;
  const said = await runProgram(
    'python3',
    ['-c', 'import ensurepip, platform, venv; print(platform.python_version())'],
    {
      env,
    },
  ).catch(() => undefined);
  if (said === undefined)
    throw new SetupProblem(
      `python3 is missing, or lacks its venv module: ${remedy} (on Debian also the package python3-venv)`,
    );
  if (!isAtLeast(said.trim(), oldestPython)) throw new SetupProblem(`Python ${said.trim()} is too old: ${remedy}`);
}

function isAtLeast(version, [major, minor]) {
  const [hasMajor = 0, hasMinor = 0] = version.split('.').map(Number);
  return hasMajor > major || (hasMajor === major && hasMinor >= minor);
}
