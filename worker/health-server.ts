import { once } from 'node:events';
import { createServer } from 'node:http';

export interface HealthServer {
  close(): Promise<void>;
}

/**
 * Serves `/healthz` (the process is alive) and `/readyz` (every queue is polled and every dependency answers). The
 * responses reveal nothing else.
 */
export async function startHealthServer(
  place: { readonly host: string; readonly port: number },
  isReady: () => Promise<boolean>,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    if (request.url === '/healthz') answer(200, 'alive');
    else if (request.url !== '/readyz') answer(404, 'unknown');
    else {
      isReady().then(
        (ready) => answer(ready ? 200 : 503, ready ? 'ready' : 'unready'),
        () => answer(503, 'unready'),
      );
    }
    function answer(status: number, word: string): void {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ status: word }));
    }
  });
  server.listen(place.port, place.host);
  await once(server, 'listening');
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
