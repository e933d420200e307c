// Builds a program from its source with Go.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveInto } from './download-program.mjs';
import { runProgram } from './run-program.mjs';

/** Returns where the program came from, or the reason why it could not be built. */
export async function buildProgram({ module, file, target, env, progress }) {
  if ((await runProgram('go', ['version'], { env }).catch(() => undefined)) === undefined)
    return { failed: `building ${module} needs Go, which is not installed` };
  const folder = await mkdtemp(join(tmpdir(), 'perennial-build-'));
  try {
    progress(`go install ${module} (takes minutes)`);
    // -v prints each package as it is compiled, which is the only progress that Go shows.
    await runProgram('go', ['install', '-v', module], {
      env: { ...env, GOBIN: folder },
      onLine: (line) => progress(`compiling ${line}`),
    });
    await moveInto(join(folder, file), target);
    return { from: `go install ${module}` };
  } catch (caught) {
    const lines = caught.message.split('\n');
    return { failed: [...lines.slice(0, 1), ...lines.slice(-2)].join(' ') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
