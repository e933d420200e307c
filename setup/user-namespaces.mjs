// Checks whether bubblewrap can create a sandbox on this system, because user namespaces may be disabled.
import { readFileSync } from 'node:fs';
import { runProgram } from './run-program.mjs';

/** Arguments that use the kernel features of a sandbox, without anything of Perennial in it. */
const trial = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];

/** Kernel settings that disable user namespaces: the file, the value that disables them, and what to do about it. */
const switches = [
  [
    'kernel/unprivileged_userns_clone',
    '0',
    'the kernel setting kernel.unprivileged_userns_clone is 0; an administrator can set it to 1 with sysctl',
  ],
  [
    'user/max_user_namespaces',
    '0',
    'the kernel setting user.max_user_namespaces is 0; an administrator can raise it with sysctl',
  ],
  [
    'kernel/apparmor_restrict_unprivileged_userns',
    '1',
    "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1); install the system's bubblewrap package and an AppArmor profile that grants /usr/bin/bwrap the permission userns",
  ],
];

/** Returns why `bubblewrap` cannot create a sandbox here and what to do, as a phrase; undefined if it can. */
export async function whyNoSandbox(bubblewrap, env, settingsFolder = '/proc/sys') {
  try {
    await runProgram(bubblewrap, [...trial, '--', process.execPath, '--version'], { env });
    return undefined;
  } catch (caught) {
    const said = caught.message.split('\n').at(-1).slice(0, 200);
    const found = switches.find(([file, value]) => readSetting(settingsFolder, file) === value);
    return `${said}: ${found?.[2] ?? containerRemedy}`;
  }
}

const containerRemedy =
  "this is usual in a container: the container engine's seccomp profile must permit user namespaces, and /proc must not be masked";

function readSetting(folder, file) {
  try {
    return readFileSync(`${folder}/${file}`, 'utf8').trim();
  } catch {
    // This kernel has no such setting.
    return undefined;
  }
}
