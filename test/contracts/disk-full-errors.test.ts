import { expect, test } from 'vitest';
import { asDiskFull, diskFull, isAboutFullDisk } from '../../contracts/disk-full.ts';
import { PerennialError } from '../../contracts/errors.ts';

/** Errors as Node reports them. Node has no name for EDQUOT. */
const noSpace = new Error('ENOSPC: no space left on device, write');
const quotaUsedUp = new Error('Unknown system error -122: Unknown system error -122, write');

test.each([
  ['ENOSPC from Node', noSpace],
  ['EDQUOT from Node on Linux', quotaUsedUp],
  ['EDQUOT from Node on macOS', new Error('Unknown system error -69: Unknown system error -69, open')],
  ['EDQUOT by name', new Error('EDQUOT: disk quota exceeded, write')],
  ['a quota in the words of another program', new Error('could not extend file "base/1": Disk quota exceeded')],
  ['SQLite', new Error('database or disk is full')],
  ['an error whose cause is a quota', new Error('it cannot be kept', { cause: quotaUsedUp })],
])('an error that says that nothing more can be written is a full disk: %s', (_name, error) => {
  expect(isAboutFullDisk(error)).toBe(true);
  expect(asDiskFull(error)).toMatchObject({ code: 'disk-full', retryable: true });
});

test.each([
  ['another system error without a name', new Error('Unknown system error -1220: write')],
  ['no permission', new Error('EACCES: permission denied')],
  ['a text', 'ENOSPC'],
])('other errors are left unchanged: %s', (_name, caught) => {
  expect(isAboutFullDisk(caught)).toBe(false);
  expect(asDiskFull(caught)).toBe(caught);
});

test('the message says whether the disk or the quota is full', () => {
  expect(diskFull('/state', noSpace).message).toBe('the disk of /state is full (ENOSPC): make room on it');
  expect(diskFull('/state').message).toContain('ENOSPC');
  expect(diskFull('/state', quotaUsedUp).message).toBe(
    'the disk quota for /state is used up (EDQUOT): make room there, or raise the quota',
  );
  expect(asDiskFull(quotaUsedUp)).toMatchObject({ message: expect.stringContaining('EDQUOT') });
});

test('an error that already has a code keeps it', () => {
  const known = new PerennialError('store-unavailable', 'EDQUOT');
  expect(asDiskFull(known)).toBe(known);
});
