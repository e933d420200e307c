import { expect, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { JobCode, JobFile } from '../../contracts/models/training-job.ts';

const sha256 = sha256OfBytes('a model');
const file = { variable: 'PERENNIAL_MODEL', name: 'model.onnx', sha256 };

test('a file of a job has a name that stays in its folder, and a variable that belongs to the platform', () => {
  expect(JobFile.parse(file)).toEqual(file);
  const wrong = [
    { name: '../model.onnx' },
    { name: 'folder/model.onnx' },
    { name: '..' },
    { name: '' },
    { variable: 'PATH' },
    { variable: 'PERENNIAL_A=B' },
    { sha256: '/etc/passwd' },
  ];
  for (const change of wrong)
    expect(JobFile.safeParse({ ...file, ...change }).success, JSON.stringify(change)).toBe(false);
});

test('a job’s code contains only its part of the manifest', () => {
  const code = { archive: sha256, environment: { path: 'a.lock', lock: sha256 }, allowBuilds: true };
  const manifest = { schemaVersion: 1, command: ['sh'], network: false, validation: false, ...code };
  expect(JobCode.parse(manifest)).toEqual(code);
});
