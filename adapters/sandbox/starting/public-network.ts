import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/** Network of one sandbox. slirp4netns connects it to the outside, and routes decide what it reaches. */
export interface PublicNetwork {
  readonly slirp4netns: string;
  /** Networks (`10.0.0.0/8`) and addresses that are unreachable. */
  readonly unreachable: readonly string[];
  /** Networks and addresses that the administrator allows, even if they lie in unreachable ones. */
  readonly allowed: readonly string[];
  /** Whether the sandbox reaches this machine's loopback address at 10.0.2.2. */
  readonly hostLoopback: boolean;
}

/** Addresses of slirp4netns in the sandbox. */
const gateway = '10.0.2.2';
export const nameServer = '10.0.2.3';
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const readyWithinMs = 10_000;
const pollMs = 5;

/**
 * Connects the network namespace of a process. The routes are set before the command starts, and the command has no
 * right to change them. slirp4netns ends when this process does.
 */
export async function connectNamespace(pid: number, network: PublicNetwork): Promise<void> {
  await untilMapped(pid);
  await startSlirp(pid, network);
  const routes = [
    ...network.unreachable.map((to) => `route replace unreachable ${to}`),
    ...network.allowed.map((to) => `route replace ${to} via ${gateway} dev tap0`),
    // IPv6 needs no routes: the namespace has no IPv6 address but its own loopback.
  ];
  await inNamespace(pid, ['ip', '-batch', '-'], `${routes.join('\n')}\n`);
}

/**
 * Waits until bubblewrap has mapped the users of its namespaces. bubblewrap reports the namespaces earlier, when nobody
 * has rights in them yet.
 */
async function untilMapped(pid: number): Promise<void> {
  const end = performance.now() + readyWithinMs;
  for (const map of ['uid_map', 'gid_map'])
    while ((await readFile(`/proc/${pid}/${map}`, 'utf8')).trim() === '') {
      if (performance.now() > end) throw new Error('bubblewrap did not map the users of its namespaces');
      await wait(pollMs);
    }
}

async function startSlirp(pid: number, { slirp4netns, hostLoopback }: PublicNetwork): Promise<void> {
  const args = [
    '--configure',
    '--mtu=65520',
    ...(hostLoopback ? [] : ['--disable-host-loopback']),
    // slirp4netns needs root for this option.
    ...(process.geteuid?.() === 0 ? ['--enable-sandbox'] : []),
    '--enable-seccomp',
    `--userns-path=/proc/${pid}/ns/user`,
    '--netns-type=path',
    '--ready-fd=3',
    '--exit-fd=4',
    `/proc/${pid}/ns/net`,
    'tap0',
  ];
  const slirp = spawn(slirp4netns, args, {
    env: { PATH: systemPath },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const said = saidBy(slirp);
  const ended = once(slirp, 'exit').then(() => Promise.reject(new Error(`slirp4netns ended: ${said()}`)));
  const failed = once(slirp, 'error').then(([error]) => Promise.reject(new Error(`slirp4netns: ${String(error)}`)));
  // Both may also happen later, when nothing awaits them.
  for (const end of [ended, failed]) end.catch(() => undefined);
  const ready = slirp.stdio[3];
  if (ready === null || ready === undefined) throw new Error('slirp4netns has no pipe');
  const late = AbortSignal.timeout(readyWithinMs);
  await Promise.race([once(ready, 'data', { signal: late }), ended, failed]);
}

/** Runs a program in the network namespace of the process, with the rights of the namespaces' owner. */
async function inNamespace(pid: number, command: readonly string[], input: string): Promise<void> {
  const args = ['-t', String(pid), '-U', '-n', '--preserve-credentials', ...command];
  const child = spawn('nsenter', args, { env: { PATH: systemPath }, cwd: '/', stdio: ['pipe', 'ignore', 'pipe'] });
  const said = saidBy(child);
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`ip ended with code ${String(code)}: ${said()}`);
}

function saidBy({ stderr }: Pick<ChildProcess, 'stderr'>): () => string {
  let said = '';
  stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-500)));
  return () => said.trim().split('\n').slice(-3).join(' | ');
}
