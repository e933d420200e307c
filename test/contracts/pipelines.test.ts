import { describe, expect, test } from 'vitest';
import { pipelines } from '../../contracts/pipelines/pipelines.ts';
import type { AnyStep } from '../../contracts/pipelines/step.ts';
import { declaredSteps, stepQueues } from '../../contracts/pipelines/steps.ts';
import { RunKind, RunOutcome, RunRequest } from '../../contracts/runs/run.ts';

const all = Object.entries(pipelines);

describe('pipelines', () => {
  test('the kinds of runs, their requests and their outcomes are those of the pipelines', () => {
    expect(RunKind.options).toEqual(Object.keys(pipelines));
    for (const union of [RunRequest, RunOutcome])
      expect(union.options.map(({ shape }) => shape.kind.value)).toEqual(Object.keys(pipelines));
  });

  test.each(all)('%s is registered under its own kind, and its last steps are steps of its runs', (kind, pipeline) => {
    expect(pipeline.kind).toBe(kind);
    for (const step of pipeline.lastSteps) expect(declaredSteps.get(step)?.of).toContain(kind);
  });

  test('no two groups declare a step of the same name', () => {
    const names = all.flatMap(([, { steps }]) => Object.keys(steps));
    expect(new Set(names).size).toBe(names.length);
  });

  test('a step is of kinds that exist', () => {
    for (const { name, of } of declaredSteps.values())
      for (const kind of of) expect(Object.keys(pipelines), name).toContain(kind);
  });

  test('every step says what it does and what it proves', () => {
    for (const { name, step } of declaredSteps.values())
      for (const said of [step.summary, step.proves]) expect(said.length, name).toBeGreaterThan(5);
  });

  test('what a step takes was answered by a step of the same kind of run', () => {
    const input = { conclusion: { state: 'failed' } };
    let taken = 0;
    for (const { name, step, of } of declaredSteps.values())
      for (const answer of answersTakenBy(step, input)) {
        taken += 1;
        for (const kind of of) expect(declaredSteps.get(answer)?.of, `${name} takes ${answer}`).toContain(kind);
      }
    expect(taken).toBeGreaterThan(10);
  });

  test('every queue of steps has a bound for one worker', () => {
    expect([...stepQueues.keys()].toSorted()).toEqual(['data', 'deploy', 'monitor', 'rehearsal', 'train']);
    for (const [queue, atOnce] of stepQueues) expect(atOnce, queue).toBeGreaterThan(0);
  });
});

function answersTakenBy(step: AnyStep, input: unknown): readonly string[] {
  if ('complaint' in step) return [];
  return (step.takes?.(input) ?? []).flat().map((answer) => answer.step);
}
