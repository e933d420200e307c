import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandWords } from '../../../adapters/trainers/local/launch.ts';
import type { TrainingGround } from './training-ground.ts';
import { failureOf, layTrainingGround } from './training-ground.ts';

// Stand-ins for nbformat and nbclient with the parts that the runner uses. This file tests the runner, and the real
// packages take half a minute to install. docs/how-to/from-a-notebook.md is tested with the real ones.
const nbformat = `
import json

class Node(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__

def read(path, as_version):
    return json.loads(path.read_text(), object_hook=Node)

def write(notebook, path):
    path.write_text(json.dumps(notebook))
`;
const exceptions = `
class CellExecutionError(Exception):
    def __init__(self, traceback, ename, evalue):
        self.traceback, self.ename, self.evalue = traceback, ename, evalue
`;
const nbclient = `
from nbformat import Node
from nbclient.exceptions import CellExecutionError

class NotebookClient:
    def __init__(self, notebook, on_cell_executed, **_):
        self.notebook, self.told = notebook, on_cell_executed

    def execute(self):
        for index, cell in enumerate(self.notebook.cells):
            if cell.cell_type != "code":
                continue
            try:
                exec(cell.source, {})
            except Exception as error:
                name, value = type(error).__name__, str(error)
                trace = ["\x1b[0;31mTraceback of the cell\x1b[0m", cell.source]
                cell.outputs = [Node(output_type="error", ename=name, evalue=value, traceback=trace)]
            self.told(cell=cell, cell_index=index, execute_reply={})
            if any(output.output_type == "error" for output in cell.outputs):
                raise CellExecutionError("", name, value)
`;

let ground: TrainingGround;
let environment: string;

beforeAll(async () => {
  environment = await mkdtemp(join(tmpdir(), 'perennial-notebook-'));
  execFileSync('python3', ['-m', 'venv', '--without-pip', environment]);
  const binFolder = join(environment, 'bin');
  const asked = ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'];
  const packages = execFileSync(join(binFolder, 'python3'), asked, { encoding: 'utf8' }).trim();
  await mkdir(join(packages, 'nbclient'));
  await writeFile(join(packages, 'nbformat.py'), nbformat);
  await writeFile(join(packages, 'ipykernel.py'), '');
  await writeFile(join(packages, 'nbclient/exceptions.py'), exceptions);
  await writeFile(join(packages, 'nbclient/__init__.py'), nbclient);
  // Without a lock, scripts run with the Python on the worker's PATH.
  const PATH = `${binFolder}${delimiter}${process.env.PATH}`;
  ground = await layTrainingGround('process-group', { ...process.env, PATH });
});
afterAll(async () => {
  await ground.remove();
  await rm(environment, { recursive: true });
});

test('a notebook that fails names the cell and its error on one line, and the log has the traceback', async () => {
  const cells = [
    { cell_type: 'markdown', metadata: {}, source: '# Train' },
    { cell_type: 'code', metadata: { tags: ['parameters'] }, source: 'rows = 1', outputs: [] },
    { cell_type: 'code', metadata: {}, source: 'raise ValueError("no rows\\nin the window")', outputs: [] },
    { cell_type: 'code', metadata: {}, source: 'print("never")', outputs: [] },
  ];
  const job = await ground.job({ 'train.ipynb': JSON.stringify({ cells }) }, { command: ['notebook', 'train.ipynb'] });
  const lines: string[] = [];
  // The executed copy is written before the failure is reported, and is removed when the attempt ends.
  let copy = '';
  const training = ground.trainer.train(job, {
    onLog: ({ stream, line }) => {
      lines.push(`${stream}: ${line}`);
      const [path] = globSync(join(ground.folder, 'scratch/*/output/train.ipynb'));
      if (line.includes('cell 3 failed') && path !== undefined) copy = readFileSync(path, 'utf8');
    },
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  const failure = await failureOf(training);
  expect(failure.code).toBe('training-failed');
  expect(failure.message).toMatch(/train\.ipynb: cell 3 failed: ValueError: no rows in the window$/);
  expect(lines).toContain('stderr: Traceback of the cell');
  expect(lines).not.toContain('stdout: never');
  expect(copy).toMatch(/depth = 3.*"ename": "ValueError"/s);
});

test('the command notebook followed by a notebook starts the runner, and otherwise names a program', () => {
  const given = [{ variable: 'V', name: 'run-notebook.py', path: '/perennial/run-notebook.py' }];
  expect(commandWords(['notebook', 'train.ipynb'], given)).toEqual([
    'python3',
    '/perennial/run-notebook.py',
    'train.ipynb',
  ]);
  expect(commandWords(['notebook', '--help'], given)).toEqual(['notebook', '--help']);
});
