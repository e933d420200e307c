import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Machine } from './run-setup.ts';

let machine: Machine;
beforeEach(async () => void (machine = await Machine.make()));
afterEach(() => machine.remove());

/** Returns the explanation for a machine whose bubblewrap runs this script and whose kernel has these settings. */
async function why(bubblewrap: string, settings: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const path = await machine.script('bwrap', bubblewrap);
  const folder = join(machine.folder, 'sys');
  for (const [name, value] of Object.entries(settings)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `${value}\n`);
  }
  const call = `setup.whyNoSandbox(${JSON.stringify(path)}, process.env, ${JSON.stringify(folder)})`;
  return (await machine.call('user-namespaces.mjs', call)).done;
}

const refused = 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1';

it('no problem is reported if bubblewrap can create a sandbox', async () => {
  expect(await why('for last; do :; done; [ "$1" = --unshare-all ] && [ "$last" = --version ]')).toBeUndefined();
});

it.each([
  ['the sysctl of Debian', { 'kernel/unprivileged_userns_clone': '0' }, /unprivileged_userns_clone is 0.*set it to 1/],
  ['the bound on namespaces', { 'user/max_user_namespaces': '0' }, /max_user_namespaces is 0.*raise it/],
  ['AppArmor', { 'kernel/apparmor_restrict_unprivileged_userns': '1' }, /AppArmor restricts.*bubblewrap package/],
])('%s is named if it forbids user namespaces', async (_what, settings, sentence) => {
  const said = await why(refused, settings);
  expect(said).toMatch(/^bwrap: setting up uid map: Permission denied: /);
  expect(said).toMatch(sentence);
});

it('a container is suspected if no setting forbids user namespaces', async () => {
  const settings = {
    'kernel/unprivileged_userns_clone': '1',
    'user/max_user_namespaces': '1000',
    'kernel/apparmor_restrict_unprivileged_userns': '0',
  };
  expect(await why(refused, settings)).toMatch(/Permission denied: this is usual in a container.*seccomp/);
  expect(await why(refused)).toMatch(/this is usual in a container/);
});
