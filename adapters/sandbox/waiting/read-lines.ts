import { flushCompileCache } from 'node:module';

/**
 * Calls `onLine` with each line of this process's standard input, which its parent keeps open as long as the parent
 * lives. When it ends, this process ends at once, even during a call.
 */
export function readLines(onLine: (line: string) => void): void {
  let given = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk: string) => {
    given += chunk;
    if (!chunk.endsWith('\n')) return;
    const line = given;
    given = '';
    onLine(line);
  });
  process.stdin.on('end', () => {
    // A process that received no call was started to fill the compile cache, which other processes can only read.
    flushCompileCache();
    endNow();
  });
}

/** Ends this process. Not by `exit`, because native threads could crash while `exit` tears the process down. */
export function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
