import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { beginRun } from '../support/seed-candidate.ts';

let api: TestApi;
let address: string;
let scope: Scope;
beforeAll(async () => {
  api = await startTestApi();
  address = await api.api.listen({ host: '127.0.0.1', port: 0 });
  scope = await applyBike(api);
});
afterAll(() => api.stop());

function begin(): Promise<Id> {
  return beginRun(
    api.repositories,
    scope,
    { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false },
    api.principals.operator,
  );
}

interface LogEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: {
    readonly line?: string;
    readonly progress?: { readonly message: string } | null;
    readonly state?: string;
  };
}

/** Reads server-sent events until the stream ends. */
async function events(url: string, headers: Record<string, string> = {}): Promise<LogEvent[]> {
  const answer = await fetch(`${address}${url}`, {
    headers: { authorization: `Bearer ${api.keys.viewer}`, accept: 'text/event-stream', ...headers },
  });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const text = await answer.text();
  return text
    .split('\n\n')
    .filter((block) => block.includes('event: '))
    .map((block) => {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      );
      return {
        event: fields['event'] ?? '',
        ...(fields['id'] === undefined ? {} : { id: fields['id'] }),
        data: JSON.parse(fields['data'] ?? 'null') as LogEvent['data'],
      };
    });
}

test('runs are listed by model, kind and state, page by page', async () => {
  const made = [await begin(), await begin(), await begin()];
  const first = await api.send('viewer', 'GET /v1/runs?model=bike&kind=build&state=running&limit=2');
  expect(first.body.items).toHaveLength(2);
  const second = await api.send(
    'viewer',
    `GET /v1/runs?model=bike&kind=build&state=running&limit=200&cursor=${encodeURIComponent(first.body.next)}`,
  );
  const ids = [...first.body.items, ...second.body.items].map(({ id }: { id: Id }) => id);
  expect(ids).toEqual(expect.arrayContaining(made));
  expect(new Set(ids).size).toBe(ids.length);
  expect((await api.send('viewer', 'GET /v1/runs?model=taxi')).body.items).toEqual([]);
});

describe('a log', () => {
  test('is read in pages', async () => {
    const id = await begin();
    await api.repositories.runs.appendLogs(id, [
      { stream: 'stdout', line: 'one' },
      { stream: 'stderr', line: 'two' },
      { stream: 'system', line: 'three' },
    ]);
    const first = await api.send('viewer', `GET /v1/runs/${id}/logs?limit=2`);
    expect(first.body.items.map(({ line }: { line: string }) => line)).toEqual(['one', 'two']);
    const rest = await api.send('viewer', `GET /v1/runs/${id}/logs?after=${first.body.next}`);
    expect(rest.body.items).toMatchObject([{ stream: 'system', line: 'three' }]);
    expect((await api.send('viewer', `GET /v1/runs/${id}/logs?after=${rest.body.next}`)).body).toEqual({
      items: [],
      next: rest.body.next,
    });
  });

  test('is streamed as server-sent events, and the stream ends with the run', async () => {
    const id = await begin();
    await api.repositories.runs.appendLogs(id, [{ stream: 'stdout', line: 'before' }]);
    const watched = events(`/v1/runs/${id}/logs`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await api.repositories.runs.progress(id, 0.4, 'fitting');
    await api.repositories.runs.appendLogs(id, [{ stream: 'stdout', line: 'after\nwith a break' }]);
    await api.repositories.runs.fail(id, { code: 'training-failed', message: 'exit 3', fields: {} });
    const seen = await watched;
    expect(seen.filter(({ event }) => event === 'log').map(({ data }) => data.line)).toEqual([
      'before',
      'after\nwith a break',
    ]);
    expect(seen.some(({ event, data }) => event === 'run' && data.progress?.message === 'fitting')).toBe(true);
    expect(seen.at(-1)).toMatchObject({
      event: 'end',
      data: { state: 'failed', failure: { code: 'training-failed' } },
    });
  });

  test('continues after the last line that a client has seen', async () => {
    const id = await begin();
    await api.repositories.runs.appendLogs(id, [
      { stream: 'stdout', line: 'one' },
      { stream: 'stdout', line: 'two' },
    ]);
    await api.repositories.runs.cancel(id, 'enough');
    const all = (await events(`/v1/runs/${id}/logs`)).filter(({ event }) => event === 'log');
    const rest = (await events(`/v1/runs/${id}/logs`, { 'last-event-id': all[0]?.id ?? '' })).filter(
      ({ event }) => event === 'log',
    );
    expect(rest.map(({ data }) => data.line)).toEqual(['two']);
  });

  test('does not keep the server from closing', async () => {
    const other = await startTestApi();
    try {
      const otherScope = await applyBike(other);
      const id = await beginRun(
        other.repositories,
        otherScope,
        { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false },
        other.principals.operator,
      );
      const at = await other.api.listen({ host: '127.0.0.1', port: 0 });
      const answer = await fetch(`${at}/v1/runs/${id}/logs`, {
        headers: { authorization: `Bearer ${other.keys.viewer}`, accept: 'text/event-stream' },
      });
      const read = answer.text();
      const began = performance.now();
      await other.api.close();
      await read;
      expect(performance.now() - began).toBeLessThan(4_000);
    } finally {
      await other.stop();
    }
  });
});

describe('a cancellation', () => {
  test('is a command, and wakes the workflow', async () => {
    const id = await begin();
    const { workflowId } = await api.repositories.runs.get(id);
    const { status, body } = await api.send('operator', `POST /v1/runs/${id}/cancel`, { reason: 'wrong data' });
    expect({ status, body: body.command.body }).toEqual({
      status: 202,
      body: { kind: 'cancel', schemaVersion: 1, runId: id, reason: 'wrong data' },
    });
    expect(api.temporal.calls).toEqual(expect.arrayContaining(['advance bike/production', `cancel ${workflowId}`]));
  });

  test('of an ended run is a conflict', async () => {
    const id = await begin();
    await api.repositories.runs.cancel(id, 'enough');
    expect(await api.send('operator', `POST /v1/runs/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
  });

  test('by a viewer is refused', async () => {
    expect((await api.send('viewer', `POST /v1/runs/${await begin()}/cancel`)).status).toBe(403);
  });
});
