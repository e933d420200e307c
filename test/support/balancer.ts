import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A round-robin load balancer that checks the readiness of its targets and skips those that are not ready. */
export interface Balancer {
  readonly address: string;
  /** The targets that are ready. */
  ready(): readonly string[];
  close(): Promise<void>;
}

const askEveryMs = 100;

export async function startBalancer(targets: readonly string[]): Promise<Balancer> {
  const ready = new Map(targets.map((target) => [target, true]));
  const agent = new Agent({ keepAlive: true });
  const stopping = new AbortController();
  const targetsReady = () => targets.filter((target) => ready.get(target));
  let turn = 0;
  const server = createServer((asked, answer) => {
    const able = targetsReady();
    const target = able[(turn += 1) % Math.max(1, able.length)];
    if (target === undefined) answer.writeHead(502).end();
    else forward(agent, target, asked, answer);
  });
  const asking = targets.map(async (target) => {
    while (!stopping.signal.aborted) {
      ready.set(target, await saysReady(target));
      await pause(askEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  });
  const port = await listen(server);
  return {
    address: `http://127.0.0.1:${port}`,
    ready: targetsReady,
    async close() {
      stopping.abort();
      await Promise.all(asking);
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(agent: Agent, target: string, asked: IncomingMessage, answer: ServerResponse): void {
  const { method, headers, url = '/' } = asked;
  const passed = request(`${target}${url}`, { agent, method, headers }, (given) => {
    // Connection headers apply to one hop, so the balancer does not forward them.
    const { connection: _connection, 'keep-alive': _keepAlive, ...rest } = given.headers;
    answer.writeHead(given.statusCode ?? 502, rest);
    given.pipe(answer);
  });
  passed.on('error', () => answer.writeHead(502).end());
  asked.pipe(passed);
}

async function saysReady(target: string): Promise<boolean> {
  try {
    return (await fetch(`${target}/v2/health/ready`)).ok;
  } catch {
    return false;
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the balancer has no port');
  return address.port;
}
