import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf, layTrainingGround, processesThatMention, uniqueSeconds } from './training-ground.ts';
import { until } from '../../support/until.ts';
import type { TrainingGround } from './training-ground.ts';

const model = 'printf model > "$PERENNIAL_OUTPUT/model.onnx"\n';

// Training must end the same way with and without a sandbox. Guarantees that only a sandbox can give are tested in
// sandbox.test.ts.
for (const kind of ['bubblewrap', 'process-group'] as const) {
  const name = kind === 'bubblewrap' ? 'in a sandbox' : 'without bubblewrap';
  // Only Linux has bubblewrap. On Linux, these tests fail if bubblewrap is missing.
  describe.skipIf(kind === 'bubblewrap' && process.platform !== 'linux')(`training ${name}`, () => {
    let ground: TrainingGround;
    beforeAll(async () => void (ground = await layTrainingGround(kind)));
    afterAll(() => ground.remove());
    beforeEach(() => {
      ground.lines.length = 0;
      ground.progress.length = 0;
    });

    test("the script sees nothing of the worker's environment variables", async () => {
      const job = await ground.job({ 'train.sh': `env\n${model}` });
      await ground.train(job);
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

    test('a missing program is named', async () => {
      const failure = await failureOf(ground.train(await ground.job({}, { command: ['no-such-program', 'x'] })));
      expect(failure).toMatchObject({ code: 'training-failed', fields: { exitCode: 127 } });
      expect(failure.message).toContain('no-such-program');
    });

    test('a link is not accepted as a model', async () => {
      const link = await failureOf(
        ground.train(await ground.job({ 'train.sh': 'ln -s "$PERENNIAL_TRAIN" "$PERENNIAL_OUTPUT/model.onnx"\n' })),
      );
      expect(link.code).toBe('artifact-missing');
      expect(link.message).toContain('link');
    });

    test('child processes, even in a session of their own, end with a successful script', async () => {
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
      await ground.train(job);
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('supervised processes end even if the supervisor itself is killed', async () => {
      const seconds = uniqueSeconds();
      const job = await ground.job({ 'train.sh': `sleep ${seconds} & echo "under way"; sleep ${seconds}\n` });
      const training = failureOf(ground.train(job));
      await until('the line', () => ground.lines.includes('stdout: under way'));
      process.kill(supervisorOfThisProcess(), 'SIGKILL');
      expect((await training).code).toBe('process-died');
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('a cancellation before the start starts nothing', async () => {
      const job = await ground.job({ 'train.sh': model });
      expect((await failureOf(ground.train(job, AbortSignal.abort()))).code).toBe('cancelled');
      expect(ground.lines.filter((line) => line.startsWith('std'))).toEqual([]);
    });

    test('links, special files and invalid numbers in the output are left out and named', async () => {
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
      const result = await ground.train(job);
      expect(result.metrics).toEqual({ rmse: 2 });
      expect(result.files.map(({ path }) => path)).toEqual(['metrics.json']);
      const said = ground.lines.filter((line) => line.startsWith('system')).join('\n');
      for (const left of ['folder', 'pipe', 'note', 'nested', 'none']) expect(said).toContain(left);
    });

    test.skipIf(process.platform !== 'linux')(
      'a script that exceeds its memory fails, and the message says so',
      async () => {
        const job = await ground.job(
          { 'train.py': 'rows = bytearray(600 * 2**20)\n' },
          { limits: { memoryBytes: 200 * 2 ** 20 } },
        );
        const failure = await failureOf(ground.train(job));
        expect(failure.code).toBe('training-failed');
        expect(failure.message).toContain('build.resources.memory');
      },
    );

    test('two concurrent trainings do not affect each other', async () => {
      const script = {
        'train.sh': `echo "$PERENNIAL_SEED" > "$PERENNIAL_OUTPUT/seed.txt"; echo x > "$TMPDIR/$PERENNIAL_SEED"; cat "$TMPDIR"/*\n${model}`,
      };
      const results = await Promise.all([1, 2].map(async (seed) => ground.train(await ground.job(script, { seed }))));
      const seeds = await Promise.all(results.map(({ files }) => ground.text(files[0]!.sha256)));
      expect(seeds).toEqual(['1\n', '2\n']);
    });

    test('a program that is started by its path within the code folder works', async () => {
      const job = await ground.job({ 'train.sh': model }, { command: ['/bin/sh', './train.sh'] });
      expect(await ground.text((await ground.train(job)).artifact.sha256)).toBe('model');
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
