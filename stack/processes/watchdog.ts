import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type NotedProcess, stopProcesses } from './stop-process.ts';

// Watchdog of the stack. It reads from a pipe which processes run. If the pipe closes without a goodbye, the stack was
// killed, and the watchdog stops what the stack started, so that no process outlives it. watchdog-client.ts runs it
// with the path of stack.json, the file that marks a running stack; it is removed too.

export type WatchdogMessage =
  | { readonly type: 'watch'; readonly process: NotedProcess }
  | { readonly type: 'forget'; readonly pid: number }
  | { readonly type: 'goodbye' };

const watched = new Map<number, NotedProcess>();
let goodbye = false;

// Ctrl-C in a terminal and a shutdown of the system signal every process; this one must end last.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  // Not validated, because watchdog-client.ts of the same version wrote it.
  const message: WatchdogMessage = JSON.parse(line);
  if (message.type === 'watch') watched.set(message.process.pid, message.process);
  else if (message.type === 'forget') watched.delete(message.pid);
  else goodbye = true;
}

if (!goodbye) {
  await stopProcesses([...watched.values()]);
  const stackFile = process.argv[2];
  if (stackFile !== undefined) rmSync(stackFile, { force: true });
}
