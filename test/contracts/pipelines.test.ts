import { describe, expect, test } from 'vitest';
import { installationSteps } from '../../contracts/pipelines/installation-steps.ts';
import { lifecycleSteps } from '../../contracts/pipelines/lifecycle-steps.ts';
import { pipelines } from '../../contracts/pipelines/pipelines.ts';
import type { AnyStep } from '../../contracts/pipelines/step.ts';
import { declaredSteps, stepQueues } from '../../contracts/pipelines/steps.ts';
import { RunKind, RunOutcome, RunRequest } from '../../contracts/runs/run.ts';

const all = Object.entries(pipelines);

describe('pipelines', () => {
  test('define the kinds of runs, their requests and their outcomes', () => {
    expect(RunKind.options).toEqual(Object.keys(pipelines));
    for (const union of [RunRequest, RunOutcome])
      expect(union.options.map(({ shape }) => shape.kind.value)).toEqual(Object.keys(pipelines));
  });

  test.each(all)('%s is registered under its own kind, and its last steps are steps of its runs', (kind, pipeline) => {
    expect(pipeline.kind).toBe(kind);
    for (const step of pipeline.lastSteps) expect(declaredSteps.get(step)?.of).toContain(kind);
  });

  test('never declare a step of the same name in two groups', () => {
    const groups = [...Object.values(pipelines), lifecycleSteps, installationSteps];
    const names = groups.flatMap(({ steps }) => Object.keys(steps));
    expect(new Set(names).size).toBe(names.length);
    expect(declaredSteps.size).toBe(names.length);
  });

  test('declare steps only for existing kinds of runs', () => {
    for (const { name, of } of declaredSteps.values())
      for (const kind of of) expect(Object.keys(pipelines), name).toContain(kind);
  });

  test('declare for every step what it does and what it must prove', () => {
    for (const { name, step } of declaredSteps.values())
      for (const said of [step.summary, step.proves]) expect(said.length, name).toBeGreaterThan(5);
  });

  test('give a step only inputs that a step of the same kind of run has returned', () => {
    const input = { conclusion: { state: 'failed' } };
    let taken = 0;
    for (const { name, step, of } of declaredSteps.values())
      for (const answer of answersTakenBy(step, input)) {
        taken += 1;
        for (const kind of of) expect(declaredSteps.get(answer)?.of, `${name} takes ${answer}`).toContain(kind);
      }
    expect(taken).toBeGreaterThan(10);
  });

  test('limit every queue of steps for one worker', () => {
    expect([...stepQueues.keys()].toSorted()).toEqual(['data', 'deploy', 'monitor', 'rehearsal', 'train']);
    for (const [queue, atOnce] of stepQueues) expect(atOnce, queue).toBeGreaterThan(0);
  });
});

function answersTakenBy(step: AnyStep, input: unknown): readonly string[] {
  if ('complaint' in step) return [];
  return (step.takes?.(input) ?? []).flat().map((answer) => answer.step);
}
