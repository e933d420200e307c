import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { errorTable } from '../../contracts/errors.ts';
import { generatedIndexes } from '../../docs/indexes/index.ts';
import { generatedPages } from '../../docs/pages/index.ts';
import { exampleFile } from '../contracts/example.ts';

const root = join(import.meta.dirname, '..', '..');
let pages: ReadonlyMap<string, string>;
beforeAll(async () => {
  pages = await generatedPages();
});

describe('a generated index', () => {
  test.each([...generatedIndexes()])('%s is current', async (path, text) => {
    expect(await readFile(join(root, path), 'utf8')).toBe(text);
  });
});

describe('a generated reference page', () => {
  test.each([
    'perennial.schema.json',
    'openapi.json',
    'configuration.md',
    'drift.md',
    'errors.md',
    'rest.md',
    'command-line.md',
    'metrics.md',
    'steps.md',
  ])('%s is current: it equals what the code generates now (npm run generate updates it)', async (name) => {
    const path = `docs/reference/${name}`;
    expect(await readFile(join(root, path), 'utf8')).toBe(pages.get(path));
  });

  test('of performance is current, and so are its charts', async () => {
    const recorded = [...pages].filter(([path]) => !path.startsWith('docs/reference/'));
    expect(recorded.map(([path]) => path)).toContain('docs/performance.md');
    for (const [path, text] of recorded) expect(await readFile(join(root, path), 'utf8'), path).toBe(text);
    const charts = await readdir(join(root, 'docs/charts'));
    expect(charts.map((name) => `docs/charts/${name}`).toSorted()).toEqual(
      recorded.flatMap(([path]) => (path.endsWith('.svg') ? path : [])).toSorted(),
    );
  });

  test('is the same each time it is generated', async () => {
    expect([...(await generatedPages())]).toEqual([...pages]);
  });

  test('has a row for every error', () => {
    const page = pages.get('docs/reference/errors.md') ?? '';
    for (const code of Object.keys(errorTable)) expect(page).toContain(`| \`${code}\` |`);
  });

  test('has a row for every key of the example', () => {
    const page = pages.get('docs/reference/configuration.md') ?? '';
    for (const key of keysOf(parse(exampleFile))) expect(page).toContain(`\`${key}\``);
  });

  test('has a description for every key', () => {
    const rows = (pages.get('docs/reference/configuration.md') ?? '').split('\n');
    expect(rows.filter((row) => /^\| `.*\| *\|$/.test(row))).toEqual([]);
  });
});

function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path.replace(/\[\]$/, '')];
  if (path === 'build.params') return [path];
  return Object.entries(value).flatMap(([key, item]) => keysOf(item, path === '' ? key : `${path}.${key}`));
}

describe('the schema for editors', () => {
  const validate = (value: unknown): string[] => {
    const schema: object = JSON.parse(pages.get('docs/reference/perennial.schema.json') ?? '{}');
    const check = new Ajv2020({ strict: false }).compile(schema);
    return check(value) ? [] : (check.errors ?? []).map((error) => error.instancePath);
  };

  test('accepts the example, and the written form of a parsed one', () => {
    expect(validate(parse(exampleFile))).toEqual([]);
    expect(validate(parseConfigurationFile(exampleFile))).toEqual([]);
  });

  test.each([
    ['an unknown key', 'threshold: 0.2', 'treshold: 0.2', '/monitor/drift'],
    ['a wrong type', 'target: cnt', 'target: 3', '/data/target'],
    ['an invalid duration', 'cooldown: 24h', 'cooldown: 24 moons', '/retrain/cooldown'],
  ])('refuses %s', (_, text, replacement, place) => {
    expect(validate(parse(exampleFile.replace(text, replacement)))).toContain(place);
  });
});

test('the bike demand example has the configuration that the reference shows', async () => {
  const text = await readFile(join(root, 'examples/bike-demand/perennial.yaml'), 'utf8');
  expect(parseConfigurationFile(text)).toEqual(parseConfigurationFile(exampleFile));
});
