import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { canonicalJson } from '../../contracts/canonical.ts';
import { parseConfiguration, parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { exampleFile } from './example.ts';

const least = `
schemaVersion: 1
name: bike
task: regression
owner: demand-team
data:
  source: { path: hour.csv }
  target: cnt
  features: [temp, hum]
code:
  path: train
  command: [python, train.py]
build:
  holdout: { fraction: 0.2, by: id }
`;

function errorOf(parsing: () => unknown): PerennialError {
  try {
    parsing();
  } catch (caught) {
    if (caught instanceof PerennialError) return caught;
    throw caught;
  }
  throw new Error('it was accepted');
}

/** Returns the error for the example with one text replaced by another. */
function exampleWith(text: string, replacement: string): PerennialError {
  expect(exampleFile.split(text)).toHaveLength(2);
  return errorOf(() => parseConfigurationFile(exampleFile.replace(text, replacement)));
}

function lineOf(text: string): number {
  return exampleFile.slice(0, exampleFile.indexOf(text)).split('\n').length;
}

describe('a valid file', () => {
  test('is the example, which parses to the values it contains', () => {
    const { data, build, deploy, monitor, retrain } = parseConfigurationFile(exampleFile);
    expect(data.expectations[0]).toEqual({ column: 'cnt', min: 0, severity: 'error' });
    expect(build.gates).toHaveLength(3);
    expect(build.gates[1]).toEqual({
      metric: 'rmse',
      versus: 'champion',
      minGain: 0,
      confidence: 0.5,
      onInconclusive: 'refuse',
    });
    expect(deploy.strategy).toEqual({
      canary: [10, 50, 100],
      bake: '5m',
      minRequests: 50,
      onInsufficient: 'extend',
      abortOn: { errorRate: 0.01 },
    });
    expect(monitor.drift.exclude).toEqual(['season', 'mnth']);
    expect(retrain.schedule).toBe('0 3 1 * *');
  });

  test('with only the required keys gets every default', () => {
    const configuration = parseConfigurationFile(least);
    expect(configuration).toMatchObject({
      data: { mode: 'append', timezone: 'UTC', expectations: [] },
      code: { network: false, validation: false },
      build: { seed: 0, params: {}, timeout: '30m', resources: { queue: 'train' }, metric: 'rmse', confidence: 0.9 },
      deploy: {
        environment: 'production',
        approval: { votes: 1, roles: ['approver'], requesterMayVote: false, expires: '72h' },
        strategy: { canary: [100], bake: '5m', minRequests: 50, onInsufficient: 'extend', abortOn: {} },
      },
      serve: { log: { sample: 1, onFull: 'drop-counted' } },
      monitor: { every: '1h', window: '1 day', reference: 'training', minRows: 200, notify: [] },
      retrain: { on: [], debounce: '10m', cooldown: '24h', budget: '30 per month' },
      retention: { predictions: '400 days', rejectedVersions: '90 days' },
    });
    expect(parseConfiguration(configuration)).toEqual(configuration);
  });

  test('with a part of a section gets the defaults for the rest', () => {
    const text = `${least}deploy: { approval: { votes: 2 }, strategy: { canary: [50, 100] } }\n`;
    expect(parseConfigurationFile(text).deploy).toMatchObject({
      approval: { votes: 2, roles: ['approver'], requesterMayVote: false, expires: '72h' },
      strategy: { canary: [50, 100], bake: '5m' },
    });
  });

  test.each([
    ['on one line', JSON.stringify(parse(exampleFile))],
    ['indented by tabs', JSON.stringify(parse(exampleFile), null, '\t')],
    ['with carriage returns', exampleFile.replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\uFEFF${exampleFile}`],
  ])('means the same in JSON and YAML of the same structure: %s', (_, text) => {
    const expected = parseConfigurationFile(exampleFile);
    expect(parseConfigurationFile(text)).toEqual(expected);
    expect(parseConfiguration(parse(text))).toEqual(expected);
  });

  test('may contain aliases that stay small', () => {
    const text = least
      .replace('[temp, hum]', '&columns [temp, hum]')
      .concat('monitor: { drift: { exclude: *columns } }\n');
    expect(parseConfigurationFile(text).monitor.drift.exclude).toEqual(['temp', 'hum']);
  });
});

describe('an unknown key', () => {
  test('is named with its line and the nearest known key', () => {
    const error = exampleWith('threshold: 0.2', 'treshold: 0.2');
    expect(error.code).toBe('invalid-configuration');
    expect(error.status).toBe(400);
    expect(error.fields).toMatchObject({
      pointer: '/monitor/drift/treshold',
      line: lineOf('threshold: 0.2'),
      nearest: 'threshold',
    });
    expect(error.message).toContain(`monitor.drift.treshold (line ${lineOf('threshold: 0.2')})`);
    expect(error.message).toContain('threshold');
  });

  test.each([
    ['owner: demand-team', 'ownr: demand-team', '/ownr', 'owner'],
    ['timezone: America', 'timeZone: America', '/data/timeZone', 'timezone'],
    ['cooldown: 24h', 'coldown: 24h', '/retrain/coldown', 'cooldown'],
    ['votes: 1', 'vote: 1', '/deploy/approval/vote', 'votes'],
    ['errorRate: 0.01', 'erorRate: 0.01', '/deploy/strategy/abortOn/erorRate', 'errorRate'],
    ['minGain: 0,', 'mingian: 0,', '/build/gates/1/mingian', 'minGain'],
    ['{ column: hum, min: 0, max: 1, severity: warn }', '{ column: hum, mx: 1 }', '/data/expectations/1/mx', 'max'],
  ])('is found anywhere: %s written as %s', (text, replacement, pointer, nearest) => {
    const { code, fields, message } = exampleWith(text, replacement);
    expect(code).toBe('invalid-configuration');
    expect(fields['problems']).toEqual(expect.arrayContaining([expect.stringContaining(`known key is ${nearest}`)]));
    const key = pointer.split('/').at(-1);
    expect(message).toMatch(new RegExp(`${key} \\(line ${lineOf(text)}\\)`));
  });

  test('that misspells a required key is reported before the missing key', () => {
    const { fields } = exampleWith('target: cnt', 'taget: cnt');
    expect(fields).toMatchObject({ pointer: '/data/taget', line: lineOf('target: cnt'), nearest: 'target' });
    expect(fields['problems']).toHaveLength(2);
  });

  test('is not reported if another alternative has this key', () => {
    const error = exampleWith('minRows: 48', 'minGain: 0');
    expect(error.fields['pointer']).toBe('/build/gates/2/minGain');
    expect(error.message).toContain('cannot be combined with the keys beside it');
  });

  test('has no line in JSON that was parsed already', () => {
    const { fields } = errorOf(() => parseConfiguration({ ...parse(least), monitr: {} }));
    expect(fields).toMatchObject({ pointer: '/monitr', nearest: 'monitor' });
    expect(fields).not.toHaveProperty('line');
  });

  test('is allowed among the parameters of the script', () => {
    const text = least.replace('build:', 'build:\n  params: { depth: 3, nested: { any: [1, two, null] } }');
    expect(parseConfigurationFile(text).build.params).toEqual({ depth: 3, nested: { any: [1, 'two', null] } });
  });
});

describe('a wrong value', () => {
  test.each([
    ['target: cnt', 'target: 3', '/data/target', 'expected string, received number'],
    ['seed: 0', 'seed: -1', '/build/seed', '>=0'],
    ['canary: [10, 50, 100]', 'canary: [10, 50]', '/deploy/strategy/canary', 'end at 100'],
    ['window: 1 month', 'window: 1 moon', '/monitor/window', 'a duration such as'],
    ['window: 1 month', 'window: 9999 years', '/monitor/window', 'at most 100 years'],
    ['timezone: America/New_York', 'timezone: Mars/Olympus', '/data/timezone', 'IANA'],
    ['metric: rmse, max: 150', 'metric: rmsle, max: 150', '/build/gates/0/metric', '"rmse"'],
    ['name: bike-demand ', 'name: Bike_Demand ', '/name', 'a-z, 0-9'],
    ['memory: 2GiB', 'memory: 2 gigs', '/build/resources/memory', '512MiB'],
    ['budget: 30 per month', 'budget: lots', '/retrain/budget', '30 per month'],
    ['schemaVersion: 1', 'schemaVersion: 2', '/schemaVersion', 'expected 1'],
    ['sample: 1.0', 'sample: .nan', '/serve/log/sample', 'expected number'],
  ])('%s as %s is named with its line', (text, replacement, pointer, says) => {
    const { code, fields, message } = exampleWith(text, replacement);
    expect(code).toBe('invalid-configuration');
    expect(fields).toMatchObject({ pointer, line: lineOf(text) });
    expect(message).toContain(says);
  });

  test('that is missing is reported as missing, at the line of its section', () => {
    const { fields, message } = errorOf(() => parseConfigurationFile(least.replace('  target: cnt\n', '')));
    expect(fields).toMatchObject({ pointer: '/data/target', line: 6 });
    expect(message).toContain('data.target (line 6): is missing');
  });

  test('is reported with all other problems, up to a limit', () => {
    const { fields } = errorOf(() =>
      parseConfigurationFile(least.replace('owner: demand-team', 'owner: 1').replace('target: cnt', 'target: [x]')),
    );
    expect(fields['problems']).toHaveLength(2);
    const many = `${least}${Array.from({ length: 500 }, (_, i) => `unknown${i}: 1`).join('\n')}`;
    expect(errorOf(() => parseConfigurationFile(many)).message.length).toBeLessThan(5_000);
  });
});

describe('an invalid file', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x,x]',
    ...['b', 'c', 'd', 'e', 'f'].map((name, i) => {
      const before = 'abcde'[i];
      return `${name}: &${name} [${`*${before},`.repeat(10)}]`;
    }),
  ].join('\n');

  test.each([
    ['an empty file', '', /empty/],
    ['a file of only comments', '# nothing\n', /empty/],
    ['a list', '- a\n- b\n', /expected object, received array/],
    ['a sentence', 'just words\n', /expected object, received string/],
    ['two documents', `${least}---\n${least}`, /line 15.*several documents/],
    ['broken syntax', `${least}\nserve: { log: `, /line 1\d/],
    ['tabs for indentation', 'data:\n\tsource: x\n', /line 2.*[Tt]abs/],
    ['a duplicate key', `${least}name: again\n`, /name \(line 15\): is given twice, first in line 3/],
    [
      'a nested duplicate key',
      least.replace('target: cnt', 'target: cnt\n  "target": other'),
      /data\.target \(line 9\)/,
    ],
    ['a tag', least.replace('demand-team', '!!js/function x'), /line 5.*[Tt]ag/],
    ['a key that is a list', `${least}? [a, b]\n: 1\n`, /not plain text/],
    ['aliases that expand without end', `${least}${bomb}\n`, /expand to more than/],
    ['an alias without an anchor', least.replace('cnt', '*nowhere'), /aliases cannot be resolved/],
    ['a list that contains itself', `${least}x: &x [*x]\n`, /nested more than 32 levels deep/],
    ['deep nesting', `${least}x: ${'['.repeat(100)}${']'.repeat(100)}\n`, /nested more than 32 levels deep/],
    ['very deep nesting', '['.repeat(100_000), /nested too deeply|line 1/],
    ['text that Postgres cannot store', least.replace('demand-team', '"a\\0b"'), /owner \(line 5\).*NUL/],
    ['half a surrogate pair', least.replace('demand-team', '"\\uD800"'), /owner \(line 5\).*surrogate/],
    ['the key __proto__', `${least}__proto__: { a: 1 }\n`, /__proto__/],
    ['the key __proto__ among parameters', least.replace('build:', 'build:\n  params: { __proto__: 1 }'), /__proto__/],
  ])('%s is refused with a reason', (_, text, reason) => {
    const error = errorOf(() => parseConfigurationFile(text));
    expect(error.code).toBe('invalid-configuration');
    expect(error.message).toMatch(reason);
    expect(error.fields).toHaveProperty('line');
  });

  test('of more than 1 MiB is too large, even if only its aliases make it so', () => {
    const limit = 1024 * 1024;
    expect(errorOf(() => parseConfigurationFile(`${least}#${'x'.repeat(limit)}`)).code).toBe('too-large');
    const aliases = `${least}x: &x "${'x'.repeat(50_000)}"\ny: [${'*x,'.repeat(60)}]\n`;
    expect(errorOf(() => parseConfigurationFile(aliases)).message).toContain(
      'the configuration expands to more than 1 MiB',
    );
  });

  test('of a hundred thousand keys is refused within seconds', () => {
    const started = performance.now();
    const text = Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n');
    expect(errorOf(() => parseConfigurationFile(text)).code).toBe('invalid-configuration');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('for every input', () => {
  test('text gives a configuration or a PerennialError', () => {
    const nearly = fc
      .tuple(fc.nat(exampleFile.length), fc.nat(20), fc.string({ maxLength: 8, unit: 'binary' }))
      .map(([at, removed, added]) => exampleFile.slice(0, at) + added + exampleFile.slice(at + removed));
    const yaml = fc.json().map((json) => stringify(JSON.parse(json)));
    const punctuation = fc.string({
      unit: fc.constantFrom(...Array.from('{}[]:,-?&*!|>%@"\'# \n\tab')),
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.oneof(nearly, yaml, punctuation, fc.string({ unit: 'binary' })), (text) => {
        let configuration;
        try {
          configuration = parseConfigurationFile(text);
        } catch (caught) {
          expect(caught).toBeInstanceOf(PerennialError);
          return;
        }
        expect(canonicalJson(parseConfiguration(configuration))).toBe(canonicalJson(configuration));
      }),
      { numRuns: 500 },
    );
  });

  test('a value gives a configuration or a PerennialError', () => {
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withMap: true, withBigInt: true, withNullPrototype: true }),
        (value) => {
          expect(errorOf(() => parseConfiguration(value))).toBeInstanceOf(PerennialError);
        },
      ),
      { numRuns: 500 },
    );
  });
});
