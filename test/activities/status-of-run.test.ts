import { expect, test } from 'vitest';
import { statusOfRun } from '../../activities/code/status-of-run.ts';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Run, RunOutcome } from '../../contracts/runs/run.ts';
import { exampleFile } from '../contracts/example.ts';

const at = '2026-01-01T00:00:00.000Z';
const id = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';
const digest = 'd'.repeat(64);
const ended = { startedAt: at, endedAt: at };

function told(state: object, options: { on?: Configuration['retrain']['on']; environment?: string } = {}) {
  const { on = ['new-code'], environment = 'production' } = options;
  const example = parseConfigurationFile(exampleFile);
  const configuration = { ...example, retrain: { ...example.retrain, on } };
  const scope = { project: 'default', model: 'bike', modelId: id, environment };
  const run = { request: { kind: 'build' }, ...state } as Run;
  return statusOfRun(run, configuration, { repository: 'https://forge.example/a', commit: 'c'.repeat(40), scope });
}

function build(decision: 'candidate' | 'rejected' | 'unchanged', reasons: string[] = []): object {
  const outcome: RunOutcome = {
    kind: 'build',
    decision,
    modelVersionId: id,
    number: 7,
    evaluationId: null,
    reused: false,
    reasons,
  };
  return { state: 'succeeded', ...ended, outcome };
}

function code(unchanged: boolean): object {
  return { state: 'succeeded', ...ended, outcome: { kind: 'code', codeVersionId: id, number: 3, digest, unchanged } };
}

test('a build that passed is a success, and one that was refused is a failure with its reasons', () => {
  expect(told(build('candidate'))).toMatchObject({ state: 'success', context: 'perennial/bike' });
  expect(told(build('unchanged'))?.state).toBe('success');
  expect(told(build('rejected', ['rmse 160 > 150']))).toMatchObject({
    state: 'failure',
    description: 'model version 7: rmse 160 > 150',
  });
});

test('a run that failed or was cancelled is an error, not a refusal', () => {
  const failure = { code: 'training-failed', message: 'it ended with 3', fields: {} };
  expect(told({ state: 'failed', ...ended, failure })).toMatchObject({
    state: 'error',
    description: 'build: it ended with 3',
  });
  expect(told({ state: 'cancelled', ...ended, reason: 'x' })?.state).toBe('error');
});

test('new code is pending only if a build follows', () => {
  expect(told(code(false))?.state).toBe('pending');
  expect(told(code(true))?.state).toBe('success');
  expect(told(code(false), { on: ['drift'] })).toMatchObject({
    state: 'success',
    description: expect.stringContaining('new-code'),
  });
});

test('environments other than production have statuses of their own, and an unfinished run has none', () => {
  expect(told(build('candidate'), { environment: 'staging' })?.context).toBe('perennial/bike in staging');
  expect(told({ state: 'running', startedAt: at })).toBeUndefined();
});
