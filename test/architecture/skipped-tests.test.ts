import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endingOf } from '../support/where-possible.ts';

const tests = join(import.meta.dirname, '..');
const skips = /\.(skip|skipIf|runIf|todo|only)\b\s*[.(]/;

describe('tests that a machine cannot run', () => {
  it.each([
    { lack: null, ci: 'true', platform: 'linux', ending: 'run' },
    { lack: 'no bubblewrap', ci: 'true', platform: 'linux', ending: 'fail' },
    { lack: 'no bubblewrap', ci: '1', platform: 'linux', ending: 'fail' },
    { lack: 'no bubblewrap', ci: undefined, platform: 'linux', ending: 'skip' },
    { lack: 'no bubblewrap', ci: '', platform: 'linux', ending: 'skip' },
    { lack: 'no bubblewrap', ci: 'false', platform: 'linux', ending: 'skip' },
    { lack: 'no bubblewrap', ci: 'true', platform: 'darwin', ending: 'skip' },
  ])('$ending with CI=$ci on $platform where the lack is $lack', ({ lack, ci, platform, ending }) => {
    expect(endingOf(lack, { ci, platform })).toBe(ending);
  });

  it('are skipped in one place only, so that CI can refuse to skip them', () => {
    const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(100);
    const skipping = files.filter((path) => skips.test(readFileSync(join(tests, path), 'utf8')));
    expect(skipping).toEqual(['support/where-possible.ts']);
  });
});
