import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOnnxFormat } from '../../adapters/model-formats/onnx/onnx-format.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import { probingSandbox } from '../support/probing-sandbox.ts';
import { sandboxOfTests } from '../support/sandbox-of-tests.ts';

const sandbox = sandboxOfTests('required');
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'perennial-home-'));
  await writeFile(join(home, 'state.json'), 'a-planted-secret');
  await writeFile(join(home, 'model.onnx'), 'no model');
  await mkdir(join(home, 'converted'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Returns the output of a script under the settings of a first load and of a latency measurement. */
async function probed(script: string): Promise<readonly string[]> {
  process.env.DATABASE_URL_OF_THIS_TEST = 'a-planted-secret';
  const probe = probingSandbox(sandbox, script);
  const format = createOnnxFormat({ sandbox: probe, scratchFolder: join(home, 'models') });
  const path = join(home, 'model.onnx');
  try {
    const artifact = { path, files: {}, outputFolder: join(home, 'converted') };
    await expect(format.inspect({ artifact, features: ['x'], sample: { x: [1] }, rows: 1 })).rejects.toMatchObject({
      code: 'artifact-invalid',
    });
    const signature: Signature = {
      schemaVersion: 1,
      layout: 'matrix',
      inputName: 'x',
      inputs: [{ name: 'x', type: 'FP64' }],
      output: { name: 'y', type: 'FP64' },
    };
    await format.measureLatency({ path, signature, sample: { x: [1] }, rows: 1, calls: 1 }).catch(() => undefined);
  } finally {
    delete process.env.DATABASE_URL_OF_THIS_TEST;
  }
  expect(probe.said).toHaveLength(2);
  for (const text of probe.said) expect(text).toContain('done');
  return probe.said;
}

test('the first load of a model reads no secret and no file except the artifact', async () => {
  const said = await probed(
    `cat ${home}/state.json /etc/shadow /proc/*/environ; env; ls -a ${home} ${homedir()}; cat ${home}/model.onnx; echo done`,
  );
  for (const text of said) {
    expect(text).not.toContain('planted-secret');
    expect(text).not.toContain('state.json\n');
    expect(text).not.toMatch(/root:[*!$]/);
    // The artifact is linked into a folder of the process later.
    expect(text).not.toContain('no model');
  }
});

test('the first load of a model writes only to two folders of its own, and not to that of the artifact', async () => {
  const said = await probed(
    `for at in / /etc /usr /tmp ${home} ${home}/models/call-*/given ${home}/models/model-inspection ${process.cwd()}/adapters; do (echo x > "$at/planted") 2>/dev/null && echo wrote $at; done
     for at in ${home}/models/call-*/{made,spill}; do (echo x > "$at/planted") 2>/dev/null && echo kept; done; echo done`,
  );
  for (const text of said) {
    expect(text).not.toContain('wrote');
    expect(text.match(/kept/g)).toHaveLength(2);
  }
});

test('the first load of a model has no network', async () => {
  const said = await probed('ls /sys/class/net; (echo > /dev/tcp/127.0.0.1/22) && echo reached; echo done');
  for (const text of said) {
    expect(text).not.toContain('reached');
    expect(text).not.toMatch(/^(eth|en|wl)/m);
  }
});
