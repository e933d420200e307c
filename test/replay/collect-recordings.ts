import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { z } from 'zod';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { HistoryFile, type Recording } from './recorded-histories.ts';

/** Largest number of histories that are kept of one workflow type and label. */
const atMost = 3;

interface Candidate {
  readonly type: string;
  readonly label: string;
  readonly content: HistoryFile;
}

/**
 * Returns a few different histories of each workflow type and way to end: the shortest, the longest and one in the
 * middle.
 */
export async function collectRecordings(stack: EmbeddedStack, client: Client): Promise<readonly Recording[]> {
  const runs = await runsByWorkflow(stack);
  const found = new Map<string, Candidate[]>();
  for await (const execution of client.workflow.list()) {
    const candidate = await candidateOf(client, execution, runs.get(execution.workflowId));
    const key = `${candidate.type}.${candidate.label}`;
    found.set(key, [...(found.get(key) ?? []), candidate]);
  }
  return [...found.values()].flatMap((candidates) =>
    chosen(candidates).map((candidate, index) => ({ ...candidate, number: index + 1 })),
  );
}

async function runsByWorkflow(stack: EmbeddedStack): Promise<ReadonlyMap<string, Run>> {
  const Page = z.object({ items: z.array(Run), next: z.string().optional() });
  const runs = new Map<string, Run>();
  for (let after: string | undefined = ''; after !== undefined;) {
    const page: z.infer<typeof Page> = await stack.get(Page, `/v1/runs?limit=200${after}`);
    for (const run of page.items) runs.set(run.workflowId, run);
    after = page.next && `&cursor=${page.next}`;
  }
  return runs;
}

async function candidateOf(
  client: Client,
  { workflowId, runId, type, status }: WorkflowExecutionInfo,
  run: Run | undefined,
): Promise<Candidate> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const label = ['COMPLETED', 'FAILED'].includes(status.name) && run !== undefined ? labelOf(run) : labels[status.name];
  if (label === undefined) throw new Error(`${workflowId} ended as ${status.name}, which has no label`);
  const content = HistoryFile.parse({ workflowId, history: withoutTraces(JSON.parse(historyToJSON(history))) });
  return { type, label, content };
}

const labels: Readonly<Partial<Record<string, string>>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  CONTINUED_AS_NEW: 'continued',
  RUNNING: 'running',
};

/** Returns what was decided, or the state of the run if nothing was. */
function labelOf(run: Run): string {
  return run.state === 'succeeded' && 'decision' in run.outcome ? run.outcome.decision : run.state;
}

/** Removes what names the machine that recorded: identities such as `123@host`, and paths in stack traces. */
function withoutTraces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTraces);
  if (typeof value === 'string') return value.replace(/^\d+@[\w.-]+/, 'recorded');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => (key === 'stackTrace' ? [key, 'recorded'] : [key, withoutTraces(part)])),
  );
}

function chosen(candidates: readonly Candidate[]): readonly Candidate[] {
  const byShape = new Map(candidates.map((candidate) => [shapeOf(candidate), candidate]));
  const different = [...byShape.values()].toSorted((a, b) => lengthOf(a) - lengthOf(b));
  if (different.length <= atMost) return different;
  return [0, Math.floor(different.length / 2), different.length - 1].flatMap((index) => different[index] ?? []);
}

function lengthOf({ content }: Candidate): number {
  return content.history.events.length;
}

/** Returns the kinds of events and the names of the activities of a history, in their order. */
function shapeOf({ content }: Candidate): string {
  return content.history.events
    .map(
      (event) =>
        `${String(event['eventType'])}${JSON.stringify(event).match(/"activityType":\{"name":"(\w+)"/)?.[1] ?? ''}`,
    )
    .join();
}
