import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Limits, SandboxedProcess } from '../../../adapters/sandbox/sandbox.ts';
import { layTestSandbox } from '../../support/lay-sandbox.ts';

const limits: Limits = {
  timeoutMs: 20_000,
  memoryBytes: 256 * 2 ** 20,
  processes: 10,
  diskBytes: 2 ** 20,
  files: 100,
};

describe.skipIf(process.platform !== 'linux').each(['bubblewrap', 'process-group'] as const)(
  'a process with an open conversation: %s',
  (kind) => {
    let laid: Awaited<ReturnType<typeof layTestSandbox>>;
    beforeAll(async () => void (laid = await layTestSandbox(kind)));
    afterAll(() => laid.remove());

    function open(
      script: string,
      changes: Partial<Limits> = {},
      signal = new AbortController().signal,
    ): Promise<SandboxedProcess> {
      return laid.sandbox.open({
        title: 'the process',
        file: '/bin/sh',
        args: ['-c', script],
        cwd: '/',
        env: { PATH: '/usr/bin:/bin' },
        mounts: [],
        network: { kind: 'none' },
        limits: { ...limits, ...changes },
        signal,
      });
    }

    test('answers requests, and reports how it ended', async () => {
      const child = await open('read word; echo "heard $word"; exit 3');
      child.stdin.write('hello\n');
      const [answer] = await once(child.stdout, 'data');
      expect(String(answer)).toBe('heard hello\n');
      expect(await child.ended).toEqual({ kind: 'exited', exitCode: 3, signal: null });
    });

    test('is no longer watched after its end, even if its caller keeps it', async () => {
      const child = await open('exit 0');
      await child.ended;
      const timers = vi.spyOn(globalThis, 'setTimeout');
      child.hold(false);
      child.hold(true);
      expect(timers).not.toHaveBeenCalled();
      timers.mockRestore();
    });

    test('is stopped at its time limit, on request, and when its caller gives up', async () => {
      expect(await (await open('sleep 60', { timeoutMs: 300 })).ended).toEqual({ kind: 'timeout' });
      const stopped = await open('sleep 60');
      stopped.stop();
      expect(await stopped.ended).toEqual({ kind: 'aborted' });
      const giving = new AbortController();
      const given = await open('sleep 60', {}, giving.signal);
      giving.abort();
      expect(await given.ended).toEqual({ kind: 'aborted' });
    });

    test('that uses too much memory is stopped, and the limit is named', async () => {
      const script =
        'python3 -c "import mmap; m = mmap.mmap(-1, 2**30); [m.__setitem__(at, 1) for at in range(0, 2**30, 4096)]"';
      const child = await open(script);
      child.stderr.resume();
      expect(await child.ended).toMatchObject({
        kind: 'over-limit',
        breach: { what: 'memory', limit: limits.memoryBytes },
      });
    });
  },
);

// bubblewrap runs only on Linux, where .ci/run installs it.
test.skipIf(process.platform !== 'linux')(
  'a sandbox that is stopped at any moment of its start leaves no process behind',
  async () => {
    const { sandbox, remove } = await layTestSandbox('bubblewrap');
    for (let round = 0; round < 60; round += 1) {
      const running = await sandbox.open({
        title: 'cat',
        file: '/bin/cat',
        args: [],
        cwd: '/',
        env: {},
        mounts: [],
        network: { kind: 'none' },
        limits,
        signal: new AbortController().signal,
      });
      // A process that is left behind would keep the output open forever.
      const closed = once(running.stdout.resume(), 'close');
      // A fixed delay is correct here: each round stops the start at a different instant.
      await wait(round % 15);
      running.stop();
      await Promise.all([running.ended, closed]);
    }
    await remove();
  },
);
