// Whether bubblewrap can make a sandbox on this system: user namespaces may be switched off.
import { readFileSync } from 'node:fs';
import { runProgram } from './run-program.mjs';

/** What a sandbox needs of the kernel, without anything of ours in it. */
const trial = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];

/** The files of the kernel that switch user namespaces off, the value that does, and what to do about it. */
const switches = [
  [
    'kernel/unprivileged_userns_clone',
    '0',
    'the kernel setting kernel.unprivileged_userns_clone is 0; an administrator sets it to 1 with sysctl',
  ],
  [
    'user/max_user_namespaces',
    '0',
    'the kernel setting user.max_user_namespaces is 0; an administrator raises it with sysctl',
  ],
  [
    'kernel/apparmor_restrict_unprivileged_userns',
    '1',
    "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1); install the system's package bubblewrap and an AppArmor profile that gives /usr/bin/bwrap the permission userns",
  ],
];

/** Why `bubblewrap` makes no sandbox here and what to do, in a phrase; undefined if it does. */
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
  'this is usual in a container, where the seccomp profile of its engine must permit user namespaces and /proc must not be masked';

function readSetting(folder, file) {
  try {
    return readFileSync(`${folder}/${file}`, 'utf8').trim();
  } catch {
    // This kernel has no such setting.
    return undefined;
  }
}
