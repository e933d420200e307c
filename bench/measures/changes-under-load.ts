import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type BenchStack, startBenchStack } from '../ground/bench-stack.ts';
import { type BoostedClassifier, boostedClassifier } from '../ground/boosted-classifier.ts';
import { matrixTensor } from '../ground/inference-requests.ts';
import { deployClassifier, servedModel, thisCheckout } from '../ground/served-classifier.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure, Figure } from '../running/bench-measure.ts';
import { medianOf, threeDigits } from '../running/compare-in-rounds.ts';
import { startProgram } from '../running/start-program.ts';

const perSecond = 1000;
const changesWithinMs = 30_000;
const Change = z.object({ at: z.number(), version: z.string() });
const Summary = z.object({
  sent: z.number(),
  answered: z.number(),
  failed: z.number(),
  seconds: z.number(),
  reasons: z.array(z.string()),
});

export const changesUnderLoad: BenchMeasure = {
  name: 'rollback',
  summary: 'rollbacks and promotions while 1,000 requests a second arrive: from the decision to the first answer',
  takes: '8 min',
  inShortForm: false,
  async run(bench) {
    const count = bench.short ? 3 : 50;
    const classifier = await boostedClassifier(bench);
    const stack = await startBenchStack(bench, { root: thisCheckout, home: join(bench.scratch, 'home') });
    const file = await deployClassifier(stack, classifier);
    const load = await startSteadyLoad(bench, stack, classifier);
    const promotions: number[] = [];
    const rollbacks: number[] = [];
    for (let number = 1; number <= count; number += 1) {
      const version = await buildNext(stack, file, number);
      const votedAt = await stack.deploy(servedModel, version);
      promotions.push((await load.firstAnswer(String(version), votedAt)) - votedAt);
      await settled(bench, stack);
      const before = load.version();
      const askedAt = Date.now();
      await stack.ask('POST', `/v1/models/${servedModel}/rollback`, { reason: 'a benchmark' });
      rollbacks.push((await load.firstOther(before, askedAt)) - askedAt);
      await settled(bench, stack);
      await stack.ask('POST', `/v1/models/${servedModel}/resume`, { reason: 'a benchmark' });
      bench.say(`  ${number} of ${count}: promotion ${promotions.at(-1)} ms, rollback ${rollbacks.at(-1)} ms`);
    }
    const { sent, failed, seconds, reasons } = await load.stop();
    const figures: Figure[] = [
      ...figuresOf('rollback', rollbacks),
      ...figuresOf('promotion', promotions),
      { name: 'failed requests', value: failed, unit: `of ${sent}`, target: { must: 0, atMost: true } },
      { name: 'rate', value: sent / seconds, unit: 'requests/s' },
    ];
    return { comparisons: [], figures, absent: [], versions: {}, notes: reasons.map((reason) => `Failed: ${reason}`) };
  },
};

function figuresOf(change: string, milliseconds: readonly number[]): Figure[] {
  const name = `${change} until the first answer by the other release`;
  const seconds = milliseconds.map((value) => value / 1000);
  return [
    {
      name: `${name}, longest of ${seconds.length}`,
      value: Math.max(...seconds),
      unit: 's',
      target: { must: 1, atMost: true },
    },
    { name: `${name}, median`, value: Number(threeDigits(medianOf(seconds))), unit: 's' },
  ];
}

/** Builds a version from new code and returns its number. */
async function buildNext(stack: BenchStack, file: string, number: number): Promise<number> {
  const script = join(dirname(file), 'train', 'train.sh');
  await writeFile(script, `: ${number}\ncp model.onnx "$PERENNIAL_OUTPUT/model.onnx"\n`);
  await stack.perennial(['apply', '-f', file, '--json']);
  const said = await stack.perennial(['build', '-m', servedModel, '--json']);
  return z.object({ number: z.number() }).loose().parse(JSON.parse(said)).number;
}

/** Waits until no run of the model is under way. */
async function settled(bench: BenchContext, stack: BenchStack): Promise<void> {
  for (;;) {
    bench.signal.throwIfAborted();
    const list = await stack.ask('GET', `/v1/runs?model=${servedModel}&limit=10`);
    const { items } = z
      .object({ items: z.array(z.object({ state: z.string() }).loose()) })
      .loose()
      .parse(list);
    if (items.every(({ state }) => ['succeeded', 'failed', 'cancelled'].includes(state))) return;
    await pause(100);
  }
}

interface SteadyLoad {
  /** The version that answered last. */
  version(): string;
  /** Resolves with the instant of the first answer by this version since `since`. */
  firstAnswer(version: string, since: number): Promise<number>;
  firstOther(version: string, since: number): Promise<number>;
  stop(): Promise<z.infer<typeof Summary>>;
}

async function startSteadyLoad(
  bench: BenchContext,
  stack: BenchStack,
  classifier: BoostedClassifier,
): Promise<SteadyLoad> {
  const { path, body, contentType } = matrixTensor(classifier, 1);
  const bodyFile = join(bench.scratch, 'steady-body.json');
  await writeFile(bodyFile, body);
  const headers = { authorization: `Bearer ${stack.keys.operator}`, 'content-type': contentType };
  const wanted = { url: `${stack.gateway}${path}`, headers, bodyFile, perSecond };
  const program = join(import.meta.dirname, '..', 'load', 'steady-load.ts');
  const changes: z.infer<typeof Change>[] = [];
  const summary = Promise.withResolvers<z.infer<typeof Summary>>();
  const started = startProgram(bench, process.execPath, [program, JSON.stringify(wanted)], {}, (line) => {
    if (!line.startsWith('{')) return;
    const said: unknown = JSON.parse(line);
    const change = Change.safeParse(said);
    if (change.success) changes.push(change.data);
    else summary.resolve(Summary.parse(said));
  });
  const find = async (since: number, wantedVersion: (version: string) => boolean): Promise<number> => {
    for (;;) {
      bench.signal.throwIfAborted();
      const found = changes.find(({ at, version }) => at >= since && wantedVersion(version));
      if (found !== undefined) return found.at;
      if (Date.now() - since > changesWithinMs) throw new Error(`no other release answered: ${started.said()}`);
      await pause(20);
    }
  };
  await find(Date.now(), () => true);
  return {
    version: () => changes.at(-1)?.version ?? '',
    firstAnswer: (version, since) => find(since, (found) => found === version),
    firstOther: (version, since) => find(since, (found) => found !== version),
    stop: async () => {
      started.child.kill('SIGTERM');
      return summary.promise;
    },
  };
}
