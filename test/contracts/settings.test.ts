import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PerennialError } from '../../contracts/errors.ts';
import { limitSettings } from '../../contracts/settings/limit-settings.ts';
import { parseSettings, Settings } from '../../contracts/settings/settings.ts';

const least = {
  DATABASE_URL: 'postgres://perennial@127.0.0.1:5432/perennial',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  PERENNIAL_SECRET: 'a secret of at least thirty-two bytes',
};

describe('the settings of a process', () => {
  test('have defaults wherever a machine works without a value', () => {
    expect(parseSettings(Settings, least)).toMatchObject({
      ...least,
      PERENNIAL_HOME: '.perennial',
      TEMPORAL_NAMESPACE: 'default',
      PERENNIAL_API_HOST: '127.0.0.1',
      PERENNIAL_API_PORT: 7400,
      PERENNIAL_GATEWAY_PORT: 7401,
      PERENNIAL_LOG_LEVEL: 'info',
    });
  });

  test('accept limits as sizes and durations, and return bytes and milliseconds', () => {
    const set = { PERENNIAL_TABLE_MEMORY: '512MiB', PERENNIAL_TABLE_TIMEOUT: '90s', PERENNIAL_GIT_DISK: '2GiB' };
    expect(parseSettings(Settings, { ...least, ...set })).toMatchObject({
      PERENNIAL_TABLE_MEMORY: 512 * 2 ** 20,
      PERENNIAL_TABLE_TIMEOUT: 90_000,
      PERENNIAL_GIT_DISK: 2 ** 31,
    });
  });

  test('document every limit in the guide, and give it a default', () => {
    const guide = readFileSync(new URL('../../docs/how-to/limits.md', import.meta.url), 'utf8');
    const settings = parseSettings(Settings, least);
    for (const name of Object.keys(limitSettings)) {
      // The default of PERENNIAL_INSTALL_MEMORY is half of the machine's memory, which is computed elsewhere.
      if (name !== 'PERENNIAL_INSTALL_MEMORY') expect(Reflect.get(settings, name), name).toBeGreaterThan(0);
      expect(guide).toContain(`\`${name}\``);
    }
  });

  test('treat an empty variable as absent', () => {
    expect(parseSettings(Settings, { ...least, S3_ENDPOINT: '', PERENNIAL_API_PORT: '' })).toMatchObject({
      PERENNIAL_API_PORT: 7400,
    });
  });

  test('ignore variables of other programs', () => {
    expect(parseSettings(Settings, { ...least, HOME: '/root', LANG: undefined })).not.toHaveProperty('HOME');
  });

  test.each([
    ['DATABASE_URL', 'mysql://127.0.0.1/perennial'],
    ['DATABASE_URL', undefined],
    ['TEMPORAL_ADDRESS', 'http://127.0.0.1:7233'],
    ['PERENNIAL_API_PORT', '70000'],
    ['PERENNIAL_TABLE_MEMORY', '6 gigabytes'],
    ['PERENNIAL_INSTALL_MEMORY', '1MiB'],
    ['PERENNIAL_CODE_FILES', '0'],
    ['PERENNIAL_TABLE_MEMORY', '0MiB'],
    ['PERENNIAL_TABLE_MEMORY', '24MiB'],
    ['PERENNIAL_TABLE_TIMEOUT', '10'],
    ['PERENNIAL_GIT_TIMEOUT', '1 year'],
    ['PERENNIAL_GATEWAY_PORT', 'eighty'],
    ['S3_ENDPOINT', 'minio'],
    ['PERENNIAL_SECRET', 'short'],
    ['PERENNIAL_LOG_LEVEL', 'loud'],
  ])('name %s as %s in an error and never guess', (name, value) => {
    expect(() => parseSettings(Settings, { ...least, [name]: value })).toThrow(
      expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(name) }),
    );
  });

  test('report all errors at once, without the value of any secret', () => {
    let error: unknown;
    try {
      parseSettings(Settings, { PERENNIAL_SECRET: 'hunter2', DATABASE_URL: 'postgres:broken' });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(PerennialError);
    const { fields, message } = error as PerennialError;
    expect(fields['problems']).toHaveLength(2);
    expect(message).not.toContain('hunter2');
  });
});
