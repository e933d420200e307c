import { expect, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { KeyTable } from '../../gateway/key-table.ts';
import type { KeyRecord } from '../../ports/repositories/principal-repository.ts';

const start = '2026-01-01T00:00:00.000Z';

function recordOf(key: string, expiresAt: string | null = null): KeyRecord {
  const principal: KeyRecord['principal'] = {
    id: '0193e2c8-0000-7000-8000-000000000001',
    name: key,
    kind: 'service',
    grants: [],
    archivedAt: null,
    recordedAt: start,
  };
  return { keyId: '0193e2c8-0000-7000-8000-000000000002', hash: sha256OfBytes(Buffer.from(key)), principal, expiresAt };
}

test('a revoked key is unknown as soon as the table changes, although it was presented before', () => {
  const keys = new KeyTable({ now: () => start });
  keys.replace([recordOf('one'), recordOf('two')]);
  for (let time = 0; time < 2; time += 1) expect(keys.find('one')?.name).toBe('one');
  keys.replace([recordOf('two')]);
  expect(keys.find('one')).toBeUndefined();
  expect(keys.find('two')?.name).toBe('two');
});

test('a key that was presented before takes the grants of the new table', () => {
  const keys = new KeyTable({ now: () => start });
  const record = recordOf('one');
  keys.replace([record]);
  expect(keys.find('one')?.grants).toEqual([]);
  const grants = [{ role: 'viewer' as const }];
  keys.replace([{ ...record, principal: { ...record.principal, grants } }]);
  expect(keys.find('one')?.grants).toEqual(grants);
});

test('a key that was presented before expires at its time', () => {
  let now = start;
  const keys = new KeyTable({ now: () => now });
  keys.replace([recordOf('one', '2026-01-01T00:00:01.000Z')]);
  expect(keys.find('one')?.name).toBe('one');
  now = '2026-01-01T00:00:01.000Z';
  expect(keys.find('one')).toBeUndefined();
});

test('keys that are not in the table are not remembered', () => {
  const keys = new KeyTable({ now: () => start });
  for (let attempt = 0; attempt < 50_000; attempt += 1) expect(keys.find(`guess-${attempt}`)).toBeUndefined();
  keys.replace([recordOf('guess-7')]);
  expect(keys.find('guess-7')?.name).toBe('guess-7');
});
