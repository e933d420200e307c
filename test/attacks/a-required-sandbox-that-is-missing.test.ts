import { expect, test } from 'vitest';
import { laySandboxedScript } from '../support/sandboxed-script.ts';

test('if a sandbox is required and bubblewrap is missing, nothing runs, and the error says what to do', async () => {
  const ground = await laySandboxedScript('process-group', { mode: 'required' });
  try {
    await expect(ground.python('open("ran", "w")')).rejects.toMatchObject({
      code: 'sandbox-unavailable',
      message: expect.stringMatching(/PERENNIAL_SANDBOX is required.*install bubblewrap.*PERENNIAL_SANDBOX=preferred/),
    });
    expect(await ground.isolation()).toMatchObject({
      kind: 'refused',
      reason: 'PERENNIAL_BUBBLEWRAP names /no-such-program, which is not an executable program',
    });
  } finally {
    await ground.remove();
  }
});

test('if a sandbox is only preferred, the same command runs', async () => {
  const ground = await laySandboxedScript('process-group');
  try {
    expect(await ground.python('print("ran")')).toMatchObject({
      ending: { kind: 'exited', exitCode: 0 },
      said: 'ran\n',
    });
  } finally {
    await ground.remove();
  }
});
