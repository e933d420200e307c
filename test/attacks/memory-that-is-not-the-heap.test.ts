import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { laySandboxedScript, type SandboxedScript } from '../support/sandboxed-script.ts';

const limits = { memoryBytes: 200 * 2 ** 20 };
const size = 400 * 2 ** 20;

/** Ways to fill 400 MiB outside the heap of one process. A script that succeeds prints that it got away. */
const ways = {
  'shared anonymous memory': `
import mmap
block = mmap.mmap(-1, ${size})
for at in range(0, ${size}, 4096): block[at] = 1
`,
  'a file in memory that is not mapped': `
import os
file = os.memfd_create("x")
for _ in range(${size} // 2**20): os.write(file, b"x" * 2**20)
`,
  'many processes that each stay below the limit': `
import os, time
for _ in range(6):
    if os.fork() == 0:
        block = bytearray(90 * 2**20)
        for at in range(0, len(block), 4096): block[at] = 1
        time.sleep(20)
        os._exit(0)
time.sleep(5)
`,
  'shared memory of another process that has ended': `
import mmap, os
block = mmap.mmap(-1, ${size})
pid = os.fork()
if pid == 0:
    for at in range(0, ${size} // 2, 4096): block[at] = 1
    os._exit(0)
os.waitpid(pid, 0)
for at in range(${size} // 2, ${size}, 4096): block[at] = 1
`,
};

// Only Linux limits memory.
describe.skipIf(process.platform !== 'linux').each(['bubblewrap', 'process-group'] as const)(
  'memory beyond the limit is stopped: %s',
  (kind) => {
    let ground: SandboxedScript;
    beforeAll(async () => void (ground = await laySandboxedScript(kind)));
    afterAll(() => ground.remove());

    test.each(Object.entries(ways))('as %s', async (_name, script) => {
      const { ending, said } = await ground.python(`${script}\nprint("got away")\nimport time; time.sleep(5)\n`, {
        limits,
      });
      expect({ ending, said }).toMatchObject({ ending: { kind: 'over-limit', breach: { what: 'memory' } } });
    });

    test('as files in /dev/shm', async () => {
      const name = `perennial-test-${process.pid}`;
      const { ending, said } = await ground.python(
        `
import os
try:
    with open("/dev/shm/${name}", "wb") as file:
        for _ in range(${size} // 2**20): file.write(b"x" * 2**20)
    print("got away")
finally:
    os.unlink("/dev/shm/${name}")
`,
        { limits },
      );
      // A killed process does not clean up, and without bubblewrap the file uses this machine's own memory.
      await rm(join('/dev/shm', name), { force: true });
      expect(said).not.toContain('got away');
      expect(ending).not.toMatchObject({ kind: 'exited', exitCode: 0 });
    });
  },
);

test.skipIf(process.platform !== 'linux')('without control groups, memory is measured instead', async () => {
  const ground = await laySandboxedScript('bubblewrap', { controlGroups: false });
  try {
    expect(await ground.isolation()).toMatchObject({ memory: 'polling' });
    for (const [name, script] of Object.entries(ways)) {
      const { ending } = await ground.python(`${script}\nimport time; time.sleep(20)\n`, { limits });
      expect(ending, name).toMatchObject({ kind: 'over-limit', breach: { what: 'memory' } });
    }
  } finally {
    await ground.remove();
  }
});
