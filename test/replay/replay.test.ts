import { bundleWorkflowCode, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as workflows from '../../workflows/index.ts';
import {
  currentVersion,
  type HistoryFile,
  readHistory,
  recordedHistories,
  recordedWorkflowCode,
  workflowCodeDigest,
} from './recorded-histories.ts';

// Histories of every version, recorded by record-histories.ts from the whole stack. Code that takes another path through
// one of them would break executions in progress when it is deployed.

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const version = currentVersion();
const types = Object.keys(workflows).toSorted();
const histories = recordedHistories().map((recorded) => ({
  ...recorded,
  name: `${recorded.version}/${recorded.file}`,
}));
const current = histories.filter((recorded) => recorded.version === version);

/** Events of an execution that counts as long: more than an ordinary one has by an order of magnitude. */
const longEvents = 1_000;
/** How an execution can end well, be cancelled, or end otherwise. */
const endings = {
  well: ['succeeded', 'candidate', 'promoted'],
  otherwise: ['failed', 'rejected', 'aborted', 'continued'],
  cancelled: ['cancelled'],
};

let workflowBundle: { readonly code: string };
beforeAll(async () => {
  Runtime.install({ logger: quiet, telemetryOptions: { logging: { forward: {}, filter: 'off' } } });
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: new URL('../../workflows/index.ts', import.meta.url).pathname,
    logger: quiet,
  });
});

function replay({ workflowId, history }: HistoryFile): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle }, historyFromJSON(history), workflowId);
}

test.each(histories)('the history $name replays', (recorded) => replay(readHistory(recorded)));

test.each(types)('a history of %s in which another activity ran does not replay', async (type) => {
  const altered = current.filter((recorded) => recorded.type === type).flatMap((recorded) => alteredHistory(recorded));
  expect(altered).not.toEqual([]);
  for (const history of altered) await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
});

/** Returns the history with another name for its first activity, or nothing if it has no activity. */
function alteredHistory(recorded: (typeof histories)[number]): readonly HistoryFile[] {
  const altered = structuredClone(readHistory(recorded));
  const attributesOf = 'activityTaskScheduledEventAttributes';
  const scheduled = altered.history.events.find((event) => attributesOf in event);
  if (scheduled === undefined) return [];
  const Attributes = z.object({ activityType: z.object({ name: z.string() }) }).loose();
  const attributes = Attributes.parse(scheduled[attributesOf]);
  scheduled[attributesOf] = { ...attributes, activityType: { name: `not-${attributes.activityType.name}` } };
  return [altered];
}

describe(`the histories of this version, ${version}`, () => {
  test('exist for every workflow, and only for workflows', () => {
    expect([...new Set(current.map(({ type }) => type))].toSorted()).toEqual(types);
  });

  test.each(types)('of %s are at least three: one that ended well, one that did not, and a cancelled one', (type) => {
    const labels = current.filter((recorded) => recorded.type === type).map(({ label }) => label);
    expect(labels.length).toBeGreaterThanOrEqual(3);
    for (const [ending, some] of Object.entries(endings))
      expect(
        labels.filter((label) => some.includes(label)),
        ending,
      ).not.toEqual([]);
  });

  test('contain long ones', () => {
    const long = current.filter((recorded) => readHistory(recorded).history.events.length > longEvents);
    expect([...new Set(long.map(({ type }) => type))].toSorted()).toEqual(['deployPipeline', 'lifecycle']);
  });

  test('were recorded with the workflows as they are', () => {
    const wayOut = `a workflow has changed since ${version}: raise the version in package.json and api/version.ts, then run node test/replay/record-histories.ts`;
    expect(recordedWorkflowCode()[version], wayOut).toBe(workflowCodeDigest());
  });
});
