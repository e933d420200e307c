import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ended, Machine } from './run-setup.ts';

const python = 'echo 3.12.1';

let machine: Machine;
let root: string;

beforeEach(async () => {
  machine = await Machine.make();
  await machine.link('npm');
  await machine.script('temporal', 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"');
  await machine.script('bwrap', 'echo bubblewrap 0.11.0');
  await machine.script('minio', 'echo minio version 1');
  await machine.script('python3', python);
  root = await machine.checkout();
});
afterEach(() => machine.remove());

const setup = (...args: string[]) => ended(machine.start([join(root, 'setup/setup.mjs'), ...args]));

describe('setup', () => {
  it('does each step once, and again if the lock file has changed or an installation is missing', async () => {
    const first = await setup('--for', 'test');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toBe('');
    expect(first.stderr).toMatch(/✓ npm's packages \(\d+\.\d s\)/);
    expect(first.stderr).toMatch(/✓ the Python environment of examples\/bike-demand \(\d+\.\d s\)/);
    expect(await setup('--for', 'test')).toEqual({ code: 0, stdout: '', stderr: '' });

    const lock = join(root, 'package-lock.json');
    writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`);
    expect((await setup('--for', 'test')).stderr).toContain("✓ npm's packages");
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect((await setup('--for', 'test')).stderr).toContain("✓ npm's packages");
    rmSync(join(root, 'environment'), { recursive: true });
    const again = await setup('--for', 'test');
    expect(again.stderr).not.toContain("npm's packages");
    expect(again.stderr).toContain('✓ the Python environment');
  });

  it('leaves the Python environment of the demo to its first build', async () => {
    const { code, stderr } = await setup('--for', 'demo');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("✓ npm's packages");
    expect(stderr).not.toContain('Python environment');
  });

  it('runs the next program on the pinned Node, with its arguments, output and exit code', async () => {
    const program = 'console.log(process.env.PINNED, process.argv.slice(1).join(" ")); process.exit(7)';
    const { code, stdout } = await setup('--for', 'demo', '--then', 'node', '-e', program, '--', '--exit', '--json');
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'yes --exit --json\n' });
  });

  it('passes signals on to the next program, and ends when it ends', async () => {
    const program = 'process.on("SIGTERM", () => process.exit(3)); console.log("here"); setInterval(() => {}, 1000)';
    const child = machine.start([join(root, 'setup/setup.mjs'), '--for', 'demo', '--then', 'node', '-e', program]);
    await once(child.stdout!, 'data');
    child.kill('SIGTERM');
    expect((await ended(child)).code).toBe(3);
  });

  it('receives signals through npm, so that a demo that is asked to end stops its stack', async () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    writeFileSync(join(root, 'package.json'), JSON.stringify({ ...own, scripts }));
    mkdirSync(join(root, 'cli'));
    const marker = join(machine.folder, 'stopped');
    // Ends by itself after a while if it receives no signal.
    writeFileSync(
      join(root, 'cli/main.ts'),
      `import { writeFileSync } from 'node:fs';
       process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(marker)}, 'yes'); process.exit(3); });
       setTimeout(() => {}, 30_000);
       console.log('here');`,
    );
    const npm = machine.start([join(machine.bin, 'npm'), 'run', '--silent', 'demo'], { cwd: root });
    await once(npm.stdout!, 'data');
    const over = ended(npm);
    npm.kill('SIGTERM');
    expect((await over).code).toBe(3);
    expect(exists(marker)).toBe(true);
  });

  it('that was interrupted left nothing that looks complete', async () => {
    const marker = join(machine.folder, 'installing');
    rmSync(join(machine.bin, 'npm'));
    await machine.script('npm', `mkdir -p node_modules/.bin\necho > ${marker}\nexec sleep 60`);
    const child = machine.start([join(root, 'setup/setup.mjs'), '--for', 'demo']);
    const over = ended(child);
    await expect.poll(() => exists(marker), { timeout: 10_000 }).toBe(true);
    child.kill('SIGTERM');
    expect((await over).code).toBe(143);
    rmSync(join(machine.bin, 'npm'));
    await machine.link('npm');
    expect((await setup('--for', 'demo')).stderr).toContain("✓ npm's packages");
  });

  it.each([
    [
      'no Python',
      async () => rmSync(join(machine.bin, 'python3')),
      /python3 is missing.*install Python 3\.10 or newer/,
    ],
    [
      'an old Python',
      async () => void (await machine.script('python3', 'echo 3.9.2')),
      /Python 3\.9\.2 is too old: install Python 3\.10 or newer/,
    ],
    [
      'a Python without virtual environments',
      async () => void (await machine.script('python3', `case "$2" in *ensurepip*) exit 1 ;; esac\n${python}`)),
      /lacks its venv module: install Python 3\.10 or newer.*python3-venv/,
    ],
  ])('says in one sentence what to do about %s', async (_what, arrange, sentence) => {
    await arrange();
    const { code, stderr } = await setup('--for', 'demo');
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.runIf(process.platform === 'linux')('continues without a sandbox, and says so each time', async () => {
    await machine.script(
      'bwrap',
      '[ "$1" = --version ] && echo bubblewrap 0.11.0 && exit\necho no namespace >&2\nexit 1',
    );
    for (let run = 1; run <= 2; run += 1) {
      const { code, stderr } = await setup('--for', 'demo');
      expect(code).toBe(0);
      expect(stderr).toMatch(
        /will run without a sandbox, because bubblewrap cannot create one on this machine \(no namespace: /,
      );
    }
    rmSync(join(machine.bin, 'bwrap'));
    const { code, stderr } = await setup('--for', 'demo');
    expect(code).toBe(0);
    expect(stderr).toMatch(/will run without a sandbox: bubblewrap is missing.*apt-get install bubblewrap/);
  });

  it('says in one sentence that a Node version is too old', async () => {
    const { problem } = await machine.call('prerequisites.mjs', "setup.requireNode('20.10.0')");
    expect(problem).toMatch(/^Node 20\.10\.0 is too old: install Node 20\.11 or newer/);
    expect(await machine.call('prerequisites.mjs', "setup.requireNode('20.11.0')")).toEqual({});
  });

  it('asks to allow install scripts if the pinned Node is missing', async () => {
    writeFileSync(join(root, 'pinned', 'node.sh'), '#!/bin/sh\nexit 1\n');
    const { code, stderr } = await setup('--for', 'demo');
    expect(code).toBe(1);
    expect(stderr).toContain('allow npm to run install scripts');
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
