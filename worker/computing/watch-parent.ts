// A thread of a process that computes: its main thread may be at work for minutes and would not see that the worker is gone.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500);
