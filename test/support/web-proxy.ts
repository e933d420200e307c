import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** An HTTP proxy as companies run them, for CONNECT and plain requests. It records the requested addresses. */
export interface WebProxy {
  /** The proxy's URL, with the user and password that it requires. */
  readonly url: string;
  /** `CONNECT host:port` or `GET http://host/path`, in the order of arrival. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Starts a proxy. `leadTo` maps a requested `host:port`, or host name, to an address on this machine. */
export async function startWebProxy(
  leadTo: Readonly<Record<string, string>>,
  credentials: string | null = null,
): Promise<WebProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const isWelcome = (header: string | undefined): boolean =>
    credentials === null || header === `Basic ${Buffer.from(credentials).toString('base64')}`;
  const server = createServer((incoming, outgoing) => {
    const url = incoming.url ?? '';
    asked.push(`${incoming.method} ${url}`);
    if (!isWelcome(incoming.headers['proxy-authorization'])) return void outgoing.writeHead(407).end();
    const target = leadTo[new URL(url).host];
    if (target === undefined) return void outgoing.writeHead(502).end('no such host');
    const { 'proxy-authorization': _own, ...headers } = incoming.headers;
    const { pathname, search } = new URL(url);
    const passed = request(`http://${target}${pathname}${search}`, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  });
  server.on('connect', (incoming, client: Socket, head: Buffer) => {
    asked.push(`CONNECT ${incoming.url}`);
    if (!isWelcome(incoming.headers['proxy-authorization'])) return void client.end('HTTP/1.1 407 Wanted\r\n\r\n');
    const target = leadTo[incoming.url ?? ''];
    if (target === undefined) return void client.end('HTTP/1.1 502 Unknown\r\n\r\n');
    const [host = '', port = ''] = target.split(':');
    const outside = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n');
      outside.write(head);
      outside.pipe(client);
      client.pipe(outside);
    });
    outside.on('error', () => client.destroy()).once('close', () => client.destroy());
    client.once('close', () => outside.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${credentials === null ? '' : `${credentials}@`}127.0.0.1:${port}`,
    asked,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
