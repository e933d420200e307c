import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '../../stack/compose-file.ts';
import { freePort } from '../../../stack/ports.ts';

type Environment = Readonly<Record<string, string>>;

const containers = { postgres: 5432, temporal: 7233, s3: 9000, gateway: 7401, 'gateway-2': 7401 } as const;
/** The ports that the Compose file publishes on the host, including the Temporal UI's. */
const published = ['7233', '7400', '7401', '7402', '7411'] as const;
export type PublishedPort = (typeof published)[number];

/** Maps the containers' ports and volumes to ports and folders on this machine. */
export class Place {
  readonly folder: string;
  readonly postgresPort: number;
  readonly s3Port: number;
  readonly #published: ReadonlyMap<string, number>;

  private constructor(folder: string, ports: readonly number[]) {
    this.folder = folder;
    [this.postgresPort = 0, this.s3Port = 0] = ports;
    this.#published = new Map(published.map((port, index) => [port, ports[index + 2] ?? 0]));
  }

  static async make(folder: string): Promise<Place> {
    const ports: number[] = [];
    while (ports.length < published.length + 2) {
      const port = await freePort();
      if (!ports.includes(port)) ports.push(port);
    }
    return new Place(folder, ports);
  }

  port(named: PublishedPort): number {
    return this.#published.get(named) ?? 0;
  }

  get volumes(): string {
    return join(this.folder, 'volumes');
  }

  async volume(name: string): Promise<string> {
    const path = join(this.volumes, name);
    await mkdir(path, { recursive: true });
    return path;
  }

  /** Replaces the published ports in a command or page by this machine's ports. */
  here(text: string): string {
    return text.replaceAll(/127\.0\.0\.1:(\d+)/g, (whole, port: string) => {
      const here = this.#published.get(port);
      return here === undefined ? whole : `127.0.0.1:${here}`;
    });
  }

  /** Returns a service's environment with container addresses and folders replaced by those on this machine. */
  environmentOf(service: Service, volume: string): Environment {
    const addresses = new Map<string, number>([
      [`postgres:${containers.postgres}`, this.postgresPort],
      [`temporal:${containers.temporal}`, this.port('7233')],
      [`s3:${containers.s3}`, this.s3Port],
      [`gateway:${containers.gateway}`, this.port('7401')],
      [`gateway-2:${containers['gateway-2']}`, this.port('7411')],
    ]);
    const exchanged = Object.entries(service.environment).map(([key, value]) => {
      const address = value.replaceAll(/(?<![\w-])[a-z0-9-]+:\d+(?![\w.])/g, (whole) => {
        const port = addresses.get(whole);
        return port === undefined ? whole : `127.0.0.1:${port}`;
      });
      const local = this.here(address).replace('0.0.0.0', '127.0.0.1').replace('/var/lib/perennial', volume);
      return [key, local] as const;
    });
    return Object.fromEntries(exchanged);
  }
}
