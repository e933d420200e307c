import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of a server. Shutting it simulates an unreachable server. */
export interface TcpProxy {
  /** The server's URL through the proxy. */
  readonly url: string;
  /** Closes every connection and refuses new ones. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function startTcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const open = async (): Promise<void> => {
    const made = createServer((inward) => {
      const outward = keep(connect(Number(target.port), target.hostname));
      keep(inward).pipe(outward).pipe(inward);
      inward.on('close', () => outward.destroy());
      outward.on('close', () => inward.destroy());
    });
    await new Promise<void>((resolve, reject) => made.once('error', reject).listen(port, '127.0.0.1', resolve));
    const address = made.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    port = address.port;
    server = made;
  };
  await open();
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    open,
    async shut() {
      const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      server = undefined;
    },
  };
}
