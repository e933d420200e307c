import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { linearModel } from '../../support/onnx-models.ts';

const session = fileURLToPath(new URL('../../../adapters/model-formats/onnx/session.ts', import.meta.url));

test('a process that runs a model sends no telemetry, and leaves no device id and no file of the reporter', async () => {
  const home = await mkdtemp(join(tmpdir(), 'perennial-reports-'));
  try {
    const program = `
      const { openSession } = await import(${JSON.stringify(session)});
      const chunks = [];
      for await (const chunk of process.stdin) chunks.push(chunk);
      const { outputNames } = await openSession(Buffer.concat(chunks));
      console.log(outputNames.join());`;
    // Passes none of this process's environment, because a CI variable would also stop the library from reporting.
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      env: { HOME: home },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.end(linearModel({ features: ['a', 'b'], weights: [1, 2], bias: 0 }));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said).toBe('y\n');
    expect(await readdir(home)).toEqual([]);
    expect(existsSync(`/tmp/mat-debug-${child.pid}.log`)).toBe(false);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
