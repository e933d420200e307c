import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const tests = join(import.meta.dirname, '..');
/** Matches every way to skip tests, except for a condition that tests the platform and has no `||`. */
const forbidden = /\.(?:(?:skipIf|runIf)\((?![^|\n]*process\.platform [!=]== '\w+'\))|(?:skip|todo|only)\b\s*[.(])/;

describe('skipped tests', () => {
  it('depend only on the platform; on Linux, a missing program fails the tests that need it', () => {
    const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(100);
    const skipping = files.filter((path) => forbidden.test(readFileSync(join(tests, path), 'utf8')));
    expect(skipping).toEqual(['architecture/skipped-tests.test.ts']);
  });

  it.each([
    "describe.skipIf(whyNoSandbox !== null)('the sandbox', () => {});",
    "test.skipIf(why !== null || process.platform !== 'linux')('a', () => {});",
    "test.skip('later', () => {});",
    "test.todo('later');",
    "describe.only('this one', () => {});",
  ])('are found if they depend on anything else: %s', (source) => {
    expect(source).toMatch(forbidden);
  });

  it.each([
    "test.runIf(process.platform === 'linux')('a', () => {});",
    "describe.skipIf(kind === 'bubblewrap' && process.platform !== 'linux')('a', () => {});",
    "describe.skipIf(process.platform !== 'linux').each([1])('%s', () => {});",
  ])('may depend on the platform: %s', (source) => {
    expect(source).not.toMatch(forbidden);
  });
});
