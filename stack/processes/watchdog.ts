import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type NotedProcess, stopProcesses } from './stop-process.ts';

// Holds the end of a pipe from the stack, and learns over it what runs. When the pipe closes and nobody has said
// goodbye, the stack was killed: what it started is stopped here, so that no process outlives it.
// Run by watchdog-client.ts with the path of stack.json, which says that a stack is up.

export type WatchdogMessage =
  | { readonly type: 'watch'; readonly process: NotedProcess }
  | { readonly type: 'forget'; readonly pid: number }
  | { readonly type: 'goodbye' };

const watched = new Map<number, NotedProcess>();
let goodbye = false;

// A terminal's Ctrl-C and a system's shutdown reach every process; this one must be the last.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  // Written by this program's other half, in the same version.
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
