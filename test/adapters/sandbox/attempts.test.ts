import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { endOrphans, newAttempt } from '../../../adapters/sandbox/starting/sandbox-attempts.ts';
import { attemptVariable } from '../../../adapters/sandbox/supervision/process-group.ts';

const attempts = fileURLToPath(new URL('../../../adapters/sandbox/starting/sandbox-attempts.ts', import.meta.url));
const started = new Set<ReturnType<typeof startWith>>();

afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started.clear();
});

/** Starts a process with the mark of this attempt, which nothing else stops. */
function startWith(attempt: string) {
  const child = spawn('sleep', ['600'], { env: { [attemptVariable]: attempt }, stdio: 'ignore' });
  started.add(child);
  return child;
}

async function attemptOfAnEndedProcess(): Promise<string> {
  const program = `import(${JSON.stringify(attempts)}).then(async ({ newAttempt }) => console.log(await newAttempt()))`;
  const child = spawn(process.execPath, ['--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return said.trim();
}

// On other platforms a supervisor starts every command and ends it.
test.runIf(process.platform === 'linux')('only processes whose caller has ended are killed', async () => {
  const orphan = startWith(await attemptOfAnEndedProcess());
  const [namespace, pid, startTime, random] = (await newAttempt()).split('.');
  const ofAnEarlierOne = startWith([namespace, pid, Number(startTime) - 1, random].join('.'));
  const own = startWith(await newAttempt());
  const ofAnotherNamespace = startWith([Number(namespace) + 1, pid, Number(startTime) - 1, random].join('.'));
  const foreign = startWith('a mark that is not ours');
  const ends = [orphan, ofAnEarlierOne].map((child) => once(child, 'exit'));
  await endOrphans();
  expect(await Promise.all(ends)).toEqual([
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
  ]);
  for (const child of [own, ofAnotherNamespace, foreign]) expect(child.signalCode).toBeNull();
});
