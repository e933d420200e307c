// Loaded before the main module of a computing process. Ends the process when the worker is gone, even while the main
// thread loads modules or computes, which can take minutes. The worker passes its process id, because if the worker
// dies before this code runs, the process already has another parent.
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const everyMs = 250;

if (isMainThread) {
  const [parentPid] = process.argv.slice(2);
  // Without execArgv, this thread would load this module first too, and so on without end.
  new Worker(new URL(import.meta.url), { workerData: Number(parentPid), execArgv: [] }).unref();
} else {
  const endWithParent = (): void => {
    if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
  };
  endWithParent();
  setInterval(endWithParent, everyMs);
}
