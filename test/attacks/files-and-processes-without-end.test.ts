import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { laySandboxedScript, type SandboxedScript } from '../support/sandboxed-script.ts';

// Only Linux enforces these limits.
describe.skipIf(process.platform !== 'linux').each(['bubblewrap', 'process-group'] as const)('%s', (kind) => {
  let ground: SandboxedScript;
  beforeAll(async () => void (ground = await laySandboxedScript(kind)));
  afterAll(() => ground.remove());

  test('an endless stream of empty files is stopped', async () => {
    const script = `
import os
for folder in range(400):
    os.mkdir(str(folder))
    for name in range(1000): open(f"{folder}/{name}", "w").close()
print("got away")
`;
    const { ending } = await ground.python(script, { limits: { files: 4_000 } });
    expect(ending).toMatchObject({ kind: 'over-limit', breach: { what: 'files', limit: 4_000 } });
  });

  test('files written just before the end count too', async () => {
    const script = 'for name in range(300): open(f"last-{name}", "w").close()\n';
    const { ending } = await ground.python(script, { limits: { files: 200 } });
    expect(ending).toMatchObject({ kind: 'over-limit', breach: { what: 'files' } });
  });

  test('a fork bomb is stopped completely, even if its processes clear their environment and leave their session', async () => {
    const mark = `bomb-${kind}-${process.pid}`;
    const script = `
import os, time
for _ in range(60):
    if os.fork() == 0:
        os.setsid()
        os.execve("/bin/sh", ["/bin/sh", "-c", "sleep 30; : ${mark}"], {})
time.sleep(30)
`;
    const { ending } = await ground.python(script, { limits: { processes: 20 } });
    expect(ending).toMatchObject({ kind: 'over-limit', breach: { what: 'processes', limit: 20 } });
    expect(commandLines().filter((line) => line.includes(mark))).toEqual([]);
  });
});

function commandLines(): string[] {
  return execFileSync('ps', ['-A', '-ww', '-o', 'stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => !line.startsWith('Z'));
}
