// A thread of a computing process. The main thread may be busy for minutes and would not notice that the worker is gone.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500);
