import { expect, afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { CheckJob, TrainingJob } from '../../contracts/models/training-job.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { Trainer, TrainerCall } from '../../ports/trainer.ts';
import { failureOf, processesThatMention, uniqueSeconds } from '../adapters/trainers/training-ground.ts';
import type { CodeFiles, JobChanges } from '../support/training-jobs.ts';
import { storeCode, trainingJobOf } from '../support/training-jobs.ts';
import { until } from '../support/until.ts';

export interface TrainerUnderTest {
  readonly trainer: Trainer;
  readonly store: ObjectStore;
  stop(): Promise<void>;
}

const model = 'printf model > "$PERENNIAL_OUTPUT/model.onnx"\n';
const absent = sha256OfBytes('nobody stored this');

/** Tests what every trainer must hold. Run it against each engine; its scripts run on this machine. */
export function trainerContract(name: string, start: () => Promise<TrainerUnderTest>): void {
  describe(`${name} keeps the trainer's contract`, () => {
    let subject: TrainerUnderTest;
    const lines: string[] = [];
    const progress: [number, string][] = [];
    beforeAll(async () => void (subject = await start()), 60_000);
    afterAll(() => subject?.stop());
    beforeEach(() => {
      lines.length = 0;
      progress.length = 0;
    });

    const call = (signal = new AbortController().signal): TrainerCall => ({
      onLog: ({ stream, line }) => lines.push(`${stream}: ${line}`),
      onProgress: (fraction, message) => progress.push([fraction, message]),
      signal,
    });
    async function train(files: CodeFiles, changes: JobChanges = {}, signal?: AbortSignal) {
      const job = await trainingJobOf(subject.store, files, changes);
      return subject.trainer.train(TrainingJob.parse(asJson(job)), call(signal));
    }
    async function check(script: string, files: CheckJob['files'], changes: JobChanges = {}, signal?: AbortSignal) {
      const { rows: _rows, ...job } = await trainingJobOf(subject.store, { 'train.sh': script }, changes);
      return subject.trainer.check(CheckJob.parse(asJson({ ...job, files })), call(signal));
    }
    const put = async (text: string) => (await subject.store.putBytes(Buffer.from(text))).sha256;

    test('code, rows and parameters are fetched by digest, and the output is stored and named by digest', async () => {
      const validation = await put('held out');
      const script = `
cat "$PERENNIAL_TRAIN" "$PERENNIAL_PARAMS" && cat "$PERENNIAL_VALIDATION" deep/beside.txt
echo "$PERENNIAL_SEED $PERENNIAL_FEATURES $PERENNIAL_TARGET"
mkdir "$PERENNIAL_OUTPUT/plots"; echo plot > "$PERENNIAL_OUTPUT/plots/one.txt"
printf '{"rmse": 1.5}' > "$PERENNIAL_OUTPUT/metrics.json"
${model}`;
      const rows = { train: await put('rows'), validation };
      const result = await train({ 'train.sh': script, 'deep/beside.txt': ' beside\n' }, { rows });
      const files = Object.entries({ 'metrics.json': '{"rmse": 1.5}', 'plots/one.txt': 'plot\n' });
      expect(result).toEqual({
        artifact: { path: 'model.onnx', sha256: sha256OfBytes('model'), bytes: 5 },
        metrics: { rmse: 1.5 },
        files: files.map(([path, text]) => ({ path, sha256: sha256OfBytes(text), bytes: text.length })),
      });
      for (const { sha256, bytes } of [result.artifact, ...result.files])
        expect(await subject.store.read(sha256)).toHaveLength(bytes);
      const said = ['rows{"depth":3}', 'held out beside', '7 ["temp","a \\"quoted\\", name"] cnt'];
      expect(lines).toEqual(expect.arrayContaining(said.map((line) => `stdout: ${line}`)));
    });

    test('log lines and progress arrive while the script runs, and a cancellation ends all its processes within 5 s', async () => {
      const [seconds, stop] = [uniqueSeconds(), new AbortController()];
      const script = `
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "${seconds}"], start_new_session=True)
print("::progress 0.4 fitting")
print("under way")
time.sleep(${seconds})
`;
      const training = failureOf(train({ 'train.py': script }, {}, stop.signal));
      await until('the line', () => lines.includes('stdout: under way'));
      expect(progress).toEqual([[0.4, 'fitting']]);
      expect(processesThatMention(seconds)).not.toEqual([]);
      const asked = performance.now();
      stop.abort();
      expect((await training).code).toBe('cancelled');
      expect(performance.now() - asked).toBeLessThan(5000);
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('an endless script is stopped at its time limit, with all processes that it started', async () => {
      const seconds = uniqueSeconds();
      const script = { 'train.sh': `sleep ${seconds} & sleep ${seconds}\n` };
      const failure = await failureOf(train(script, { limits: { timeoutMs: 1500 } }));
      expect(failure).toMatchObject({ code: 'training-timeout', fields: { timeoutMs: 1500 } });
      expect(processesThatMention(seconds)).toEqual([]);
    });

    test('a failing script is reported with exit code and last lines, and one without a model with the missing file', async () => {
      const failing = await failureOf(train({ 'train.sh': 'echo fine; echo "no such column: tmp" >&2; exit 3\n' }));
      expect(failing.code).toBe('training-failed');
      expect(failing.message).toContain('code 3');
      const lastLines = expect.arrayContaining(['fine', 'no such column: tmp']);
      expect(failing.fields).toMatchObject({ exitCode: 3, lastLines });
      const empty = await failureOf(train({ 'train.sh': 'exit 0\n' }));
      expect(empty).toMatchObject({ code: 'artifact-missing', message: expect.stringContaining('PERENNIAL_OUTPUT') });
    });

    test('missing code or rows are named, and nothing is started', async () => {
      const script = { 'train.sh': `echo started\n${model}` };
      const missing: JobChanges[] = [
        { code: { archive: absent, environment: null } },
        { rows: { train: absent, validation: null } },
      ];
      for (const changes of missing)
        expect(await failureOf(train(script, changes))).toMatchObject({
          code: 'blob-missing',
          fields: { sha256: absent },
        });
      expect((await failureOf(check('echo started', [fileOf(absent)]))).code).toBe('blob-missing');
      expect(lines).not.toContain('stdout: started');
    });

    test('a check finds its files through variables, and its exit code is the result', async () => {
      const files = [fileOf(await put('the bytes of a model\n'))];
      const script = 'cat "$PERENNIAL_MODEL"; basename "$PERENNIAL_MODEL"; exit 3';
      const lastLines = ['the bytes of a model', 'model.onnx'];
      expect(await check(script, files)).toEqual({ kind: 'exited', exitCode: 3, lastLines });
    });

    test('a check that runs too long is stopped with an error that says so, and a cancelled one has no result', async () => {
      expect(await check('sleep 60', [], { limits: { timeoutMs: 500 } })).toMatchObject({
        kind: 'stopped',
        reason: expect.stringContaining('time limit of 0.5 s'),
      });
      expect((await failureOf(check('echo started', [], {}, AbortSignal.abort()))).code).toBe('cancelled');
      expect(lines).not.toContain('stdout: started');
    });

    test("the environment is the one of the job's lock", async () => {
      const [path, text] = ['requirements.lock', 'greeting==1.0\n'];
      const archive = await storeCode(subject.store, { [path]: text });
      const environmentOf = (lock: string | null) =>
        subject.trainer.environment(
          { schemaVersion: 1, code: { archive, environment: lock === null ? null : { path, lock } } },
          call(),
        );
      expect(await environmentOf(null)).toEqual({
        interpreter: expect.stringMatching(/^CPython 3\.\d+/),
        platform: expect.stringMatching(/^(linux|darwin)-/),
      });
      const unhashed = await failureOf(environmentOf(sha256OfBytes(text)));
      expect(unhashed.code).toBe('environment-failed');
      expect(unhashed.message).toMatch(/requirements\.lock:1: greeting has no hash/);
      expect((await failureOf(environmentOf(sha256OfBytes('another lock')))).code).toBe('blob-corrupt');
    });
  });
}

/**
 * Copies a job through JSON, as another process receives it. The job must not depend on anything that JSON cannot
 * carry.
 */
function asJson(job: TrainingJob | CheckJob): unknown {
  const received: unknown = JSON.parse(JSON.stringify(job));
  expect(received).toEqual(job);
  return received;
}

function fileOf(sha256: string): CheckJob['files'][number] {
  return { variable: 'PERENNIAL_MODEL', name: 'model.onnx', sha256 };
}
