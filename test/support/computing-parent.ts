// Stands in for a worker that a test kills. Arguments: the main module of the computing process, the argument of that
// process, and `dies-at-once` or `computes`.
import { MockActivityEnvironment } from '@temporalio/testing';
import { ComputeProcesses } from '../../worker/computing/compute-processes.ts';

const [program = '', argument = '', how] = process.argv.slice(2);
const computing = new ComputeProcesses({ program: new URL(program), args: [argument], memoryBytes: 2 ** 28 });
if (how === 'dies-at-once') {
  computing.prepare();
  process.kill(process.pid, 'SIGKILL');
}
const { signal } = new AbortController();
const ask = (name: string) => new MockActivityEnvironment().run(() => computing.run(name, {}, signal));
await ask('whoAmI');
void ask('spin');
process.stdout.write('computing\n');
