import { readdirSync, readFileSync } from 'node:fs';
import { bundleWorkflowCode, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import * as workflows from '../../workflows/index.ts';

// Histories of every workflow, recorded by record-histories.ts from the whole stack. Code that takes another path
// through one of them would break executions in progress when it is deployed.

const folder = new URL('histories/', import.meta.url);
const Recorded = z.object({
  workflowId: z.string(),
  history: z.object({ events: z.array(z.record(z.string(), z.unknown())) }).loose(),
});

function recorded(type: string): z.infer<typeof Recorded> {
  return Recorded.parse(JSON.parse(readFileSync(new URL(`${type}.json`, folder), 'utf8')));
}

let workflowBundle: { readonly code: string };
beforeAll(async () => {
  Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } });
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: new URL('../../workflows/index.ts', import.meta.url).pathname,
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  });
});

const types = Object.keys(workflows).toSorted((a, b) => a.localeCompare(b));

test('every workflow has a recorded history, and every history has its workflow', () => {
  const files = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
  expect(files.toSorted((a, b) => a.localeCompare(b))).toEqual(types);
});

test.each(types)('the recorded history of %s replays', async (type) => {
  const { workflowId, history } = recorded(type);
  await Worker.runReplayHistory({ workflowBundle }, historyFromJSON(history), workflowId);
});

test.each(types)('a history of %s in which another activity ran does not replay', async (type) => {
  const { workflowId, history } = recorded(type);
  const altered = structuredClone(history);
  const scheduled = altered.events.find((event) => 'activityTaskScheduledEventAttributes' in event);
  const attributes = z
    .object({ activityType: z.object({ name: z.string() }) })
    .loose()
    .parse(scheduled?.['activityTaskScheduledEventAttributes']);
  Object.assign(scheduled ?? {}, {
    activityTaskScheduledEventAttributes: {
      ...attributes,
      activityType: { name: `not-${attributes.activityType.name}` },
    },
  });
  await expect(Worker.runReplayHistory({ workflowBundle }, historyFromJSON(altered), workflowId)).rejects.toThrow(
    DeterminismViolationError,
  );
});
