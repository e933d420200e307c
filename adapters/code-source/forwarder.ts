import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { OutboundRoute } from '../../ports/outbound-hosts.ts';

/** The host and port that one fetch may reach, with the checked route to them. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly way: Way;
}

type Way = Pick<OutboundRoute, 'connect' | 'reasonOf'>;

/**
 * A port on 127.0.0.1 that leads to one destination and nowhere else. It is the only connection out of a sandbox
 * without a network.
 */
export interface Forwarder {
  readonly port: number;
  /** Returns why the last connection to the destination failed, or null if it did not fail. */
  failure(): string | null;
  /** Stops listening and closes every connection. */
  close(): void;
}

const idleMs = 60_000;
/** git and ssh open connections one after another, so a few are enough. */
const connectionsAtMost = 8;

/** Opens a proxy that accepts CONNECT for exactly this `host:port`. */
export async function openConnectProxy(destination: Destination): Promise<Forwarder> {
  const upstream = new Upstream(destination);
  const server = createHttpServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client: Socket, head: Buffer) => {
    if (request.url?.toLowerCase() !== authority(destination)) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    void upstream.join(client, (remote) => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      remote.write(head);
    });
  });
  return listen(server, upstream);
}

/** Returns a route that connects to an address that was already checked. */
export function directly(address: string, port: number): Way {
  return {
    connect: async () => {
      const socket = connect({ host: address, port });
      await once(socket, 'connect');
      return socket;
    },
    reasonOf,
  };
}

/** Opens a port that forwards every connection to the destination. */
export async function openPortForwarder(destination: Destination): Promise<Forwarder> {
  const upstream = new Upstream(destination);
  return listen(
    createServer((client) => void upstream.join(client)),
    upstream,
  );
}

class Upstream {
  readonly #destination: Destination;
  readonly #sockets = new Set<Socket>();
  failure: string | null = null;

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /**
   * Connects the client to the destination, copies data both ways, and closes both sides together. `begin` runs when
   * the destination is connected.
   */
  async join(client: Socket, begin: (remote: Socket) => void = () => {}): Promise<void> {
    this.#keep(client);
    const { way } = this.#destination;
    let remote: Socket;
    try {
      remote = await way.connect();
    } catch (caught) {
      this.failure = way.reasonOf(caught);
      client.destroy();
      return;
    }
    this.failure = null;
    this.#keep(remote);
    remote.once('error', (error) => (this.failure = way.reasonOf(error)));
    if (client.destroyed) remote.destroy();
    for (const [socket, other] of [
      [client, remote],
      [remote, client],
    ] as const) {
      socket.once('close', () => other.destroy());
      socket.pipe(other);
    }
    begin(remote);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function listen(server: Server | HttpServer, upstream: Upstream): Promise<Forwarder> {
  server.maxConnections = connectionsAtMost;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new PerennialError('internal', 'a forwarder has no port; this is a defect');
  return {
    port: address.port,
    failure: () => upstream.failure,
    close: () => {
      server.close();
      upstream.close();
    },
  };
}

/** Returns `host:port` as curl writes it in CONNECT. */
function authority({ host, port }: Destination): string {
  return `${host.toLowerCase()}:${port}`;
}
