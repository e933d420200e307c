import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { ComposeCommand } from './command-line.ts';
import { parseCommand } from './command-line.ts';
import { Containers } from './containers.ts';
import { Place } from './place.ts';
import type { Programs } from './programs.ts';
import { findPrograms } from './programs.ts';
import type { Project } from './project.ts';
import { readProject } from './project.ts';

const Asked = z.object({ words: z.array(z.string()), folder: z.string(), env: z.record(z.string(), z.string()) });

export interface DockerAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** A command that the client runs in its own place, with its own streams. */
  readonly run?: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> };
}

type RunCommand = Extract<ComposeCommand, { verb: 'run' }>;

const client = fileURLToPath(new URL('client.ts', import.meta.url));

/**
 * Provides a program `docker` that runs docker-compose.yml as plain processes, for machines without Docker. It uses the
 * file's own commands, environments and health checks; real Postgres, Temporal and MinIO; folders for volumes; and free
 * ports for published ones. It builds no image and isolates nothing.
 */
export class StandInDocker {
  readonly place: Place;
  readonly #programs: Programs;
  readonly #containers: Containers;
  readonly #server: Server;

  private constructor(place: Place, programs: Programs) {
    this.place = place;
    this.#programs = programs;
    this.#containers = new Containers({ place, programs });
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        (answer) => response.end(JSON.stringify(answer)),
        (caught: unknown) => response.end(JSON.stringify({ code: 1, stdout: '', stderr: `${String(caught)}\n` })),
      );
    });
  }

  static async start(): Promise<StandInDocker> {
    const folder = await mkdtemp(join(tmpdir(), 'perennial-docker-'));
    // Postgres may have to run as another user, who needs to traverse this folder.
    await chmod(folder, 0o711);
    const docker = new StandInDocker(await Place.make(folder), await findPrograms());
    const socket = join(folder, 'docker.sock');
    docker.#server.listen(socket);
    await once(docker.#server, 'listening');
    await mkdir(docker.binFolder);
    const script = `#!/bin/sh\nexec "${process.execPath}" "${client}" "${socket}" "$@"\n`;
    await writeFile(join(docker.binFolder, 'docker'), script, { mode: 0o755 });
    return docker;
  }

  /** The folder to put first on PATH. */
  get binFolder(): string {
    return join(this.place.folder, 'bin');
  }

  /** Names of the containers, each with its state. */
  get containers(): string[] {
    return this.#containers.list();
  }

  /** Kills all processes and removes all files. */
  async end(): Promise<void> {
    this.#server.close();
    await this.#containers.kill();
    await rm(this.place.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #answer(request: IncomingMessage): Promise<DockerAnswer> {
    const { words, folder, env } = Asked.parse(await json(request));
    const command = parseCommand(words);
    const project = readProject(folder, env);
    if (command.verb === 'run') return { code: 0, stdout: '', stderr: '', run: await this.#run(command, project) };
    const stdout = await this.#do(command, project, folder);
    return { code: 0, stdout, stderr: '' };
  }

  async #do(command: Exclude<ComposeCommand, RunCommand>, project: Project, folder: string): Promise<string> {
    switch (command.verb) {
      case 'build':
        // The stand-in cannot build an image. It only checks that the Dockerfile exists.
        await readFile(join(folder, 'Dockerfile'));
        return '';
      case 'ps':
        return `${this.containers.join('\n')}\n`;
      case 'up':
        await this.#containers.up(project, command);
        return '';
      case 'stop':
      case 'down':
        await this.#containers.stop(project);
        if (command.verb === 'down') this.#containers.forget();
        if (command.verb === 'down' && command.volumes)
          await rm(this.place.volumes, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
        return '';
    }
  }

  async #run({ service: name, args }: RunCommand, project: Project): Promise<NonNullable<DockerAnswer['run']>> {
    const service = project.services.get(name);
    if (!service?.profiles.includes('tools'))
      throw new Error(`the stand-in runs the services of the profile tools, not ${name}`);
    for (const mount of service.volumes) {
      const [volume = '', path] = mount.split(':');
      if (path !== `/volumes/${volume}`) throw new Error(`the stand-in has no folder for ${mount}`);
      await this.place.volume(volume);
    }
    const { temporal } = this.#programs;
    const here: Readonly<Record<string, string>> = { temporal, '/volumes': this.place.volumes };
    const home = this.place.folder;
    return {
      command: [...service.entrypoint.map((word) => here[word] ?? word), ...args],
      env: { PATH: process.env.PATH ?? '', HOME: home, ...this.place.environmentOf(service, home) },
    };
  }
}
