import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const setupFolder = fileURLToPath(new URL('../../setup', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine as setup sees it, with its own cache and a PATH that contains only what a test adds. */
export class Machine {
  readonly folder: string;
  readonly bin: string;
  readonly cache: string;
  readonly #children: ChildProcess[] = [];
  readonly #servers: Server[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.bin = join(folder, 'bin');
    this.cache = join(folder, 'cache');
  }

  static async make(): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'perennial-setup-')));
    await mkdir(machine.bin);
    for (const program of ['tar', 'gzip', 'sh', 'env', 'cat', 'sleep', 'mkdir', 'chmod']) await machine.link(program);
    await symlink(process.execPath, join(machine.bin, 'node'));
    return machine;
  }

  async remove(): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
    for (const server of this.#servers) server.close().closeAllConnections();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Adds a program of this machine to the PATH. */
  async link(program: string): Promise<void> {
    const path = execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    await symlink(realpathSync(path), join(this.bin, program));
  }

  /** Adds a shell script to the PATH. */
  async script(program: string, body: string): Promise<string> {
    const path = join(this.bin, program);
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  }

  /**
   * Adds this machine's Python to the PATH by its real path, because `python3` may be a launcher that needs other
   * programs from the PATH.
   */
  async linkPython(): Promise<void> {
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
    await this.script('python3', `exec '${python}' "$@"`);
  }

  /** Starts a server on the loopback address and returns its URL. */
  async serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    this.#servers.push(server);
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Returns a URL on which no server listens any more. */
  async deadUrl(): Promise<string> {
    const url = await this.serve(() => {});
    const server = this.#servers.pop()!;
    server.close();
    await once(server, 'close');
    return url;
  }

  env(more: Record<string, string> = {}): Record<string, string> {
    return { PATH: this.bin, HOME: this.folder, XDG_CACHE_HOME: this.cache, ...more };
  }

  start(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd ?? this.folder,
      env: this.env(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return child;
  }

  /**
   * Calls a function of setup in a process of its own. Returns its result as `done`, or its error message as `problem`.
   */
  async call(file: string, expression: string, env: Record<string, string> = {}): Promise<Record<string, unknown>> {
    const program = `import * as setup from ${JSON.stringify(join(setupFolder, file))};
      const answer = await Promise.resolve().then(() => ${expression}).then((done) => ({ done }), (caught) => ({ problem: caught.message }));
      console.log(JSON.stringify(answer));`;
    const { stdout, stderr } = await ended(this.start(['--input-type=module', '-e', program], { env }));
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** Creates a checkout with setup's real scripts and almost nothing to install. */
  async checkout(): Promise<string> {
    const root = join(this.folder, 'checkout');
    await cp(setupFolder, join(root, 'setup'), { recursive: true });
    for (const folder of ['pinned', 'stack', 'examples/bike-demand/train'])
      await mkdir(join(root, folder), { recursive: true });
    await writeFile(
      join(root, 'pinned', 'package.json'),
      JSON.stringify({ name: 'node', version: '26.0.0', bin: 'node.sh' }),
    );
    await writeFile(join(root, 'pinned', 'node.sh'), `#!/bin/sh\nPINNED=yes exec ${process.execPath} "$@"\n`, {
      mode: 0o755,
    });
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({ name: 'checkout', version: '1.0.0', dependencies: { node: 'file:pinned' } }),
    );
    await writeFile(join(root, 'package-lock.json'), JSON.stringify(lockFile()));
    await writeFile(join(root, 'examples/bike-demand/train/requirements.lock'), 'nothing');
    // The trainer, which has its own tests, makes the Python environment.
    await writeFile(
      join(root, 'stack', 'prepare-environment.ts'),
      `import { mkdirSync, writeFileSync } from 'node:fs';
       mkdirSync('environment/environment/bin', { recursive: true });
       writeFileSync('environment/environment.json', '{}');
       console.log(JSON.stringify({ binFolder: process.cwd() + '/environment/environment/bin' }));`,
    );
    return root;
  }
}

export async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

function lockFile() {
  return {
    name: 'checkout',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'checkout', version: '1.0.0', dependencies: { node: 'file:pinned' } },
      'node_modules/node': { resolved: 'pinned', link: true },
      pinned: { name: 'node', version: '26.0.0', bin: { node: 'node.sh' } },
    },
  };
}
