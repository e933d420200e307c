import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { autocannon } from './load/autocannon.ts';
import { findWrk } from './load/wrk.ts';
import { measures } from './measures/index.ts';
import { describeMachine } from './running/describe-machine.ts';
import type { BenchMeasure } from './running/bench-measure.ts';
import { fallenRatios } from './running/fallen-ratios.ts';
import { recordedResult, recordResult, type RecordedResult } from './running/recorded-results.ts';
import { type BenchOptions, runMeasure } from './running/run-measure.ts';

// Run by `npm run bench -- …`.

const stop = new AbortController();
let interrupted = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted += 1;
    if (interrupted > 1) process.exit(130);
    say('stopping; once more to stop at once');
    stop.abort(new Error('interrupted'));
  });

const examples = `
Examples:
  npm run bench                                      every measure
  npm run bench -- serving                           one of them
  npm run bench -- serving --rounds 3 --seconds 2    sooner, and less certain
  npm run bench -- serving --beside ../before        another checkout in the same rounds
  npm run bench -- serving --profile profiles        CPU profiles of the gateway, for DevTools
  npm run bench -- --record                          keep the results in bench/results/

Progress goes to standard error, and the results to standard output as JSON.
wrk generates the load; where it is not installed (apt-get install wrk, brew install wrk), npx fetches autocannon.`;

interface Given {
  readonly list?: true;
  readonly short?: true;
  readonly rounds?: number;
  readonly seconds?: number;
  readonly record?: true;
  readonly check?: true;
  readonly profile?: string;
  readonly beside?: string;
}

const program = new Command('npm run bench --')
  .description('Measures this system beside its floor and its peers, in one run on this machine.')
  .argument('[measures...]', `which measures: ${measures.map(({ name }) => name).join(', ')}; all of them by default`)
  .option('--list', 'print the measures and end')
  .option('--short', 'the short form, which the checks run: fewer rounds and no peers')
  .option('--rounds <number>', 'alternating rounds (default: 5; 3 with --short)', wholeNumber)
  .option('--seconds <number>', 'seconds of load in a round (default: 5; 2 with --short)', wholeNumber)
  .option('--record', 'write the results to bench/results/')
  .option('--check', 'fail if a ratio is below 0.7 of its recorded value twice in a row')
  .option('--profile <folder>', 'write a CPU profile of each gateway to this folder')
  .option('--beside <checkout>', 'measure another checkout of this repository in the same rounds')
  .addHelpText('after', examples)
  .action(run);
try {
  await program.parseAsync();
} catch (caught) {
  if (stop.signal.aborted) process.exitCode = 130;
  else {
    say(caught instanceof Error ? (caught.stack ?? caught.message) : String(caught));
    process.exitCode = 1;
  }
}

async function run(names: readonly string[], given: Given): Promise<void> {
  const chosen = choose(names, given);
  if (given.list) {
    for (const { name, summary, takes } of chosen) process.stdout.write(`${name.padEnd(12)} ${summary} (${takes})\n`);
    return;
  }
  const options = await optionsOf(given);
  for (const measure of chosen) {
    say(`${measure.name}: ${measure.summary}`);
    const result = await resultOf(measure, options);
    process.stdout.write(`${JSON.stringify(result)}\n`);
    if (given.record) say(`recorded in ${await recordResult(result)}`);
    if (given.check) await check(measure, options, result);
  }
}

async function resultOf(measure: BenchMeasure, options: BenchOptions): Promise<RecordedResult> {
  const machine = await describeMachine();
  const outcome = await runMeasure(measure, options);
  return {
    schemaVersion: 1,
    measure: measure.name,
    order: measures.indexOf(measure),
    summary: measure.summary,
    recordedAt: new Date().toISOString(),
    short: options.short,
    rounds: options.rounds,
    secondsPerRound: options.seconds,
    load: `${options.load.name} ${options.load.version}`,
    machine,
    outcome,
  };
}

/** Measures a second time before it fails, because other work on the machine can spoil one run. */
async function check(measure: BenchMeasure, options: BenchOptions, result: RecordedResult): Promise<void> {
  const recorded = await recordedResult(measure.name);
  if (recorded === undefined) return say(`${measure.name}: nothing is recorded, so nothing is compared`);
  if (recorded.load.split(' ')[0] !== options.load.name)
    return say(
      `${measure.name}: recorded with ${recorded.load}, so the ratios of ${options.load.name} are not compared`,
    );
  let fallen = fallenRatios(result, recorded);
  if (fallen.length > 0) {
    say(`${measure.name}: once more, because of ${fallen.map(({ sentence }) => sentence).join('; ')}`);
    const first = fallen;
    fallen = fallenRatios(await resultOf(measure, options), recorded).filter((second) =>
      first.some(({ comparison, ratio }) => comparison === second.comparison && ratio === second.ratio),
    );
  }
  for (const { sentence } of fallen) say(`${measure.name} has become slower: ${sentence}`);
  if (fallen.length > 0) process.exitCode = 1;
}

function choose(names: readonly string[], { short }: Given): readonly BenchMeasure[] {
  const unknown = names.find((name) => !measures.some((measure) => measure.name === name));
  if (unknown !== undefined)
    program.error(`there is no measure "${unknown}"; there are ${measures.map(({ name }) => name).join(', ')}`);
  return measures.filter(({ name, inShortForm }) =>
    names.length > 0 ? names.includes(name) : short !== true || inShortForm,
  );
}

async function optionsOf({ short, rounds, seconds, profile, beside }: Given): Promise<BenchOptions> {
  const wrk = await findWrk();
  if (wrk === undefined) say('wrk is not installed, so autocannon generates the load; it may itself be the limit');
  const profileFolder = profile === undefined ? undefined : resolve(profile);
  if (profileFolder !== undefined) await mkdir(profileFolder, { recursive: true });
  return {
    rounds: rounds ?? (short ? 3 : 5),
    seconds: seconds ?? (short ? 2 : 5),
    short: short === true,
    profileFolder,
    beside: beside === undefined ? undefined : resolve(beside),
    load: wrk ?? autocannon(),
    say,
    signal: stop.signal,
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1 on');
  return value;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
