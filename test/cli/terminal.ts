import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const inTerminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

export interface TerminalResult {
  readonly code: number | null;
  /** Everything that the terminal showed, with control sequences. */
  readonly shown: string;
}

/** Runs `perennial …` on a pseudo-terminal of 120 × 30. `typed` says which keys a person presses after which output. */
export async function perennialOnTerminal(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  typed: readonly { readonly after: string | RegExp; readonly keys: string }[] = [],
): Promise<TerminalResult> {
  const sized = ['sh', '-c', 'stty cols 120 rows 30; exec "$@"', 'sh'];
  const command = [...sized, process.execPath, join(repository, 'cli/main.ts'), ...args];
  const child = spawn('python3', ['-c', inTerminal, ...command], {
    cwd: repository,
    env: { ...process.env, TERM: 'xterm', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  const left = [...typed];
  child.stdout.on('data', (bytes: Buffer) => {
    shown += bytes.toString();
    while (left[0] !== undefined && shown.search(left[0].after) >= 0) child.stdin.write(left.shift()?.keys ?? '');
  });
  await once(child, 'close');
  return { code: child.exitCode, shown };
}
