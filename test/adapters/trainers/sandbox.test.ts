import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layTrainingGround } from './training-ground.ts';
import type { TrainingGround } from './training-ground.ts';

// Only Linux has bubblewrap. On Linux, these tests fail if bubblewrap is missing.
describe.skipIf(process.platform !== 'linux')('the sandbox of training', () => {
  let ground: TrainingGround;
  beforeAll(async () => void (ground = await layTrainingGround('bubblewrap')));
  afterAll(() => ground.remove());

  /**
   * Evaluates a Python expression inside the sandbox and returns its value, or the name of the error that it raises.
   */
  async function inside(expression: string, changes: { network?: boolean } = {}): Promise<string> {
    ground.lines.length = 0;
    const job = await ground.job(
      {
        'train.py': `
import os, pathlib, urllib.request
open(os.environ["PERENNIAL_OUTPUT"] + "/model.onnx", "w").write("model")
try:
    print("answer", ${expression})
except Exception as error:
    print("answer", type(error).__name__)
`,
      },
      changes,
    );
    await ground.train(job);
    return ground.lines.flatMap((line) => /^stdout: answer (.*)$/.exec(line)?.[1] ?? []).join();
  }

  test('shows no file except those of the script', async () => {
    const secret = join(ground.folder, 'secret.txt');
    await writeFile(secret, 'secret');
    expect(await inside(`open(${JSON.stringify(secret)}).read()`)).toBe('FileNotFoundError');
    expect(await inside('[line.split(":")[0] for line in open("/etc/passwd")]')).toBe("['perennial']");
    expect(await inside('open("/etc/shadow").read()')).toBe('FileNotFoundError');
    expect(
      await inside(`[name for name in os.listdir(${JSON.stringify(homedir())}) if not name.startswith(".pyenv")]`),
    ).toMatch(/^(\[\]|FileNotFoundError)$/);
    expect(await inside('sorted(os.listdir("/perennial"))')).toBe("['code', 'output', 'params.json', 'train.parquet']");
  });

  test('lets the script write only to its output and its temporary folder', async () => {
    for (const path of ['/perennial/code/x', '/perennial/x', '/x', '/usr/x', '/perennial/train.parquet'])
      expect(await inside(`open("${path}", "a").write("x")`), path).toBe('OSError');
    expect(await inside('open("/tmp/x", "w").write("x")')).toBe('1');
    expect(await inside('open(os.environ["PERENNIAL_OUTPUT"] + "/x", "w").write("x")')).toBe('1');
  });

  test("shows only the script's own processes", async () => {
    expect(Number(await inside('len([name for name in os.listdir("/proc") if name.isdigit()])'))).toBeLessThan(5);
  });

  test('has no network unless the code has a grant', async () => {
    const server = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = `urllib.request.urlopen("http://127.0.0.1:${port}", timeout=5).read().decode()`;
    try {
      expect(await inside(ask)).toBe('URLError');
      expect(await inside(ask, { network: true })).toBe('URLError');
    } finally {
      server.close();
    }
  });

  test('runs programs that are installed outside the system folders', async () => {
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    const own = await layTrainingGround('bubblewrap', { ...process.env, PATH });
    const script = 'require("fs").writeFileSync(process.env.PERENNIAL_OUTPUT + "/model.onnx", process.version)';
    const job = await own.job({ 'train.cjs': script }, { command: ['node', 'train.cjs'] });
    expect(await own.text((await own.train(job)).artifact.sha256)).toMatch(/^v\d+\./);
    await own.remove();
  });
});
