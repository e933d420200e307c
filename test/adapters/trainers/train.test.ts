import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf, layTrainingGround, processesThatMention, uniqueSeconds } from './training-ground.ts';
import { until } from '../../support/until.ts';
import type { TrainingGround } from './training-ground.ts';

const model = 'printf model > "$PERENNIAL_OUTPUT/model.onnx"\n';

// The outcomes are the same with and without a sandbox; what only a sandbox can promise is in sandbox.test.ts.
for (const kind of ['bubblewrap', 'process-group'] as const) {
  const name = kind === 'bubblewrap' ? 'in a sandbox' : 'without bubblewrap';
  // Linux alone has bubblewrap; there, a machine without it fails these tests.
  describe.skipIf(kind === 'bubblewrap' && process.platform !== 'linux')(`training ${name}`, () => {
    let ground: TrainingGround;
    beforeAll(async () => void (ground = await layTrainingGround(kind)));
    afterAll(() => ground.remove());
    beforeEach(() => {
      ground.lines.length = 0;
      ground.progress.length = 0;
    });

    test('the script finds what it is given, and what it writes is taken', async () => {
      const job = await ground.job({
        'train.sh': `
cat "$PERENNIAL_TRAIN" "$PERENNIAL_PARAMS" && echo "$PERENNIAL_SEED $PERENNIAL_FEATURES $PERENNIAL_TARGET \${PERENNIAL_VALIDATION-absent}"
cat beside.txt; mkdir "$PERENNIAL_OUTPUT/plots"; echo plot > "$PERENNIAL_OUTPUT/plots/one.txt"; echo x > "$TMPDIR/x"
printf '{"rmse": 1.5}' > "$PERENNIAL_OUTPUT/metrics.json"
${model}`,
        'beside.txt': 'beside\n',
      });
      const result = await ground.trainer.train(job);
      expect(await readFile(result.modelPath, 'utf8')).toBe('model');
      expect(result.metrics).toEqual({ rmse: 1.5 });
      expect(result.files.map(({ path }) => path)).toEqual(['metrics.json', 'plots/one.txt']);
      expect(ground.lines).toEqual(
        expect.arrayContaining([
          'stdout: rows{"depth":3}',
          'stdout: 7 ["temp","a \\"quoted\\", name"] cnt absent',
          'stdout: beside',
        ]),
      );
    });

    test('the holdout is handed over when it is asked for', async () => {
      const job = await ground.job({ 'train.sh': `cat "$PERENNIAL_VALIDATION"\n${model}` });
      await ground.trainer.train({ ...job, validationPath: job.trainPath });
      expect(ground.lines).toContain('stdout: rows');
    });

    test('the script sees nothing of the environment that the worker has', async () => {
      const job = await ground.job({ 'train.sh': `env\n${model}` });
      await ground.trainer.train(job);
      const seen = ground.lines.flatMap((line) => /^stdout: ([A-Za-z_]+)=/.exec(line)?.[1] ?? []);
      const ofTheShell = ['OLDPWD', 'PWD', 'SHLVL', '_'];
      const given = [
        'HOME',
        'LANG',
        'PATH',
        'TMPDIR',
        'TZ',
        'PYTHONUNBUFFERED',
        'PYTHONHASHSEED',
        'PYTHONDONTWRITEBYTECODE',
      ];
      const named = ['TRAIN', 'PARAMS', 'SEED', 'OUTPUT', 'FEATURES', 'TARGET', 'ATTEMPT'].map(
        (part) => `PERENNIAL_${part}`,
      );
      expect(seen.filter((variable) => !ofTheShell.includes(variable)).sort()).toEqual([...given, ...named].sort());
    });

    test('a script that exits 3 fails with its code and its last lines', async () => {
      const job = await ground.job({ 'train.sh': 'echo fine; echo "no such column: tmp" >&2; exit 3\n' });
      const failure = await failureOf(ground.trainer.train(job));
      expect(failure.code).toBe('training-failed');
      expect(failure.message).toContain('code 3');
      expect(failure.fields).toMatchObject({
        exitCode: 3,
        lastLines: expect.arrayContaining(['fine', 'no such column: tmp']),
      });
    });

    test('a program that is not there is named', async () => {
      const failure = await failureOf(
        ground.trainer.train(await ground.job({}, { command: ['no-such-program', 'x'] })),
      );
      expect(failure).toMatchObject({ code: 'training-failed', fields: { exitCode: 127 } });
      expect(failure.message).toContain('no-such-program');
    });

    test('a script that writes nothing, or a link in the place of a model, has no artifact', async () => {
      const nothing = await failureOf(ground.trainer.train(await ground.job({ 'train.sh': 'exit 0\n' })));
      expect(nothing.code).toBe('artifact-missing');
      expect(nothing.message).toContain('PERENNIAL_OUTPUT');
      const link = await failureOf(
        ground.trainer.train(
          await ground.job({ 'train.sh': 'ln -s "$PERENNIAL_TRAIN" "$PERENNIAL_OUTPUT/model.onnx"\n' }),
        ),
      );
      expect(link.code).toBe('artifact-missing');
      expect(link.message).toContain('link');
    });

    test('a script that never ends is stopped at its time limit, with all that it started', async () => {
      const seconds = uniqueSeconds();
      const job = await ground.job({ 'train.sh': `sleep ${seconds} & sleep ${seconds}\n` }, { timeoutMs: 1500 });
      const failure = await failureOf(ground.trainer.train(job));
      expect(failure).toMatchObject({ code: 'training-timeout', fields: { timeoutMs: 1500 } });
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('children that stay, also in a session of their own, do not outlive a script that ended well', async () => {
      const seconds = uniqueSeconds();
      const job = await ground.job({
        'train.py': `
import os, subprocess
subprocess.Popen(["sleep", "${seconds}"])
subprocess.Popen(["sleep", "${seconds}"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "${seconds}"])
    os._exit(0)
open(os.environ["PERENNIAL_OUTPUT"] + "/model.onnx", "w").write("model")
`,
      });
      await ground.trainer.train(job);
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('lines and progress arrive while it runs, and a cancellation ends all of it within 5 s', async () => {
      const seconds = uniqueSeconds();
      const stop = new AbortController();
      const job = await ground.job(
        {
          'train.py': `
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "${seconds}"], start_new_session=True)
print("::progress 0.4 fitting")
print("under way")
time.sleep(${seconds})
`,
        },
        { signal: stop.signal },
      );
      const training = failureOf(ground.trainer.train(job));
      await until('the line', () => ground.lines.includes('stdout: under way'));
      expect(ground.progress).toEqual([[0.4, 'fitting']]);
      expect(processesThatMention(seconds)).not.toEqual([]);
      const asked = performance.now();
      stop.abort();
      expect((await training).code).toBe('cancelled');
      expect(performance.now() - asked).toBeLessThan(5000);
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('what a supervisor watched ends also where the supervisor itself is killed', async () => {
      const seconds = uniqueSeconds();
      const job = await ground.job({ 'train.sh': `sleep ${seconds} & echo "under way"; sleep ${seconds}\n` });
      const training = failureOf(ground.trainer.train(job));
      await until('the line', () => ground.lines.includes('stdout: under way'));
      process.kill(supervisorOfThisProcess(), 'SIGKILL');
      expect((await training).code).toBe('process-died');
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('a cancellation before the start starts nothing', async () => {
      const job = await ground.job({ 'train.sh': model }, { signal: AbortSignal.abort() });
      expect((await failureOf(ground.trainer.train(job))).code).toBe('cancelled');
      expect(ground.lines.filter((line) => line.startsWith('std'))).toEqual([]);
    });

    test('of what it writes, links, other things than files and numbers that are none are left out and named', async () => {
      const job = await ground.job({
        'train.py': `
import json, os
out = os.environ["PERENNIAL_OUTPUT"]
open(out + "/model.onnx", "w").write("model")
os.symlink("/etc", out + "/folder")
os.mkfifo(out + "/pipe")
json.dump({"rmse": 2, "note": "good", "nested": {"a": 1}, "none": None}, open(out + "/metrics.json", "w"))
`,
      });
      const result = await ground.trainer.train(job);
      expect(result.metrics).toEqual({ rmse: 2 });
      expect(result.files.map(({ path }) => path)).toEqual(['metrics.json']);
      const said = ground.lines.filter((line) => line.startsWith('system')).join('\n');
      for (const left of ['folder', 'pipe', 'note', 'nested', 'none']) expect(said).toContain(left);
    });

    test.skipIf(process.platform !== 'linux')(
      'a script that wants more memory than it is given fails, and the message says so',
      async () => {
        const job = await ground.job({ 'train.py': 'rows = bytearray(600 * 2**20)\n' }, { memoryBytes: 200 * 2 ** 20 });
        const failure = await failureOf(ground.trainer.train(job));
        expect(failure.code).toBe('training-failed');
        expect(failure.message).toContain('build.resources.memory');
      },
    );

    test('two trainings at once are apart', async () => {
      const script = {
        'train.sh': `echo "$PERENNIAL_SEED" > "$PERENNIAL_OUTPUT/seed.txt"; echo x > "$TMPDIR/$PERENNIAL_SEED"; cat "$TMPDIR"/*\n${model}`,
      };
      const results = await Promise.all(
        [1, 2].map(async (seed) => ground.trainer.train(await ground.job(script, { seed }))),
      );
      const seeds = await Promise.all(results.map(({ files }) => readFile(files[0]!.absolute, 'utf8')));
      expect(seeds).toEqual(['1\n', '2\n']);
    });

    test('a program that is started by its path within the code folder works', async () => {
      const attempt = await mkdtemp(join(ground.folder, 'own-'));
      const job = await ground.job(
        { 'train.sh': model },
        { command: ['/bin/sh', './train.sh'], attemptFolder: attempt },
      );
      expect((await ground.trainer.train(job)).modelPath).toBe(join(attempt, 'output', 'model.onnx'));
    });
  });
}

function supervisorOfThisProcess(): number {
  const found = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+.*supervisor\.ts/.exec(line))
    .find((match) => Number(match?.[2]) === process.pid);
  return Number(found![1]);
}
