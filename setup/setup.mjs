#!/usr/bin/env node
// Installs what `npm run demo` and `npm test` need and is missing, then runs the command of `--then`. Plain JavaScript
// without packages, so that it runs on any installed Node before anything else is installed.
//   node setup/setup.mjs [--for demo|test] [--then command …]
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { prepareExampleEnvironment } from './example-environment.mjs';
import { findProgram, programs } from './find-program.mjs';
import { getBubblewrap, getMinio, getTemporal } from './get-program.mjs';
import { installPackages } from './node-modules.mjs';
import { requireNode, requirePython } from './prerequisites.mjs';
import { withProxies } from './proxies.mjs';
import { stopPrograms } from './run-program.mjs';
import { say, SetupProblem, step, together } from './steps.mjs';
import { runThen } from './then.mjs';
import { whyNoSandbox } from './user-namespaces.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const usage = 'usage: node setup/setup.mjs [--for demo|test] [--then command …]';

try {
  const { purpose, command } = readArguments(process.argv.slice(2));
  const giveUp = stopOnSignals();
  await setUp(purpose, withProxies(process.env));
  giveUp();
  if (command.length > 0) process.exitCode = await runThen(root, command, process.env);
} catch (caught) {
  say(caught instanceof SetupProblem ? `setup: ${caught.message}` : caught);
  process.exitCode = 1;
}

async function setUp(purpose, env) {
  requireNode();
  await requirePython(env);
  const packages = step("npm's packages", (progress) => installPackages(root, env, progress));
  const sandbox = sandboxIfItCanBeHad(env);
  await together([
    sandbox,
    packages,
    step('the Temporal CLI', (progress) => getTemporal(env, progress)),
    // Not for the demo: its first build creates the Python environment itself, and starts sooner if setup does not wait
    // for that.
    ...(purpose === 'demo' ? [] : [prepareEnvironment(env, packages, sandbox), minioIfItCanBeHad(env)]),
  ]);
}

/**
 * Waits for the packages and the sandbox, because the worker's code builds the environment and runs the installation in
 * the sandbox.
 */
async function prepareEnvironment(env, packages, sandbox) {
  await Promise.all([packages, sandbox]);
  await step('the Python environment of examples/bike-demand', (progress) =>
    prepareExampleEnvironment(root, env, progress),
  );
}

/** Perennial works without a sandbox, but isolates user code less well. */
async function sandboxIfItCanBeHad(env) {
  if (process.platform !== 'linux') return;
  const consequence = 'training and other user code will run without a sandbox';
  try {
    await step('bubblewrap', (progress) => getBubblewrap(env, progress));
    const why = await whyNoSandbox(findProgram(programs.bubblewrap, env), env);
    if (why !== undefined) say(`  ${consequence}, because bubblewrap cannot create one on this machine (${why})`);
  } catch (caught) {
    if (!(caught instanceof SetupProblem)) throw caught;
    say(`  ${consequence}: ${caught.message}`);
  }
}

/** Only the S3 tests need MinIO, and they fail with a clear message without it. */
async function minioIfItCanBeHad(env) {
  try {
    await step('MinIO', (progress) => getMinio(env, progress));
  } catch (caught) {
    if (!(caught instanceof SetupProblem)) throw caught;
    say(`  tests that need an S3 server will fail: ${caught.message}`);
  }
}

function readArguments(args) {
  const at = args.indexOf('--then');
  const own = at === -1 ? args : args.slice(0, at);
  const command = at === -1 ? [] : args.slice(at + 1);
  if (own.length === 0) return { purpose: undefined, command };
  if (own.length === 2 && own[0] === '--for' && ['demo', 'test'].includes(own[1])) return { purpose: own[1], command };
  throw new SetupProblem(usage);
}

/** Stops the started programs when setup is interrupted. An interrupted step does not count as done. */
function stopOnSignals() {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const handler = () => {
      stopPrograms('SIGTERM');
      process.exit(128 + constants.signals[signal]);
    };
    process.on(signal, handler);
    return [signal, handler];
  });
  return () => handlers.forEach(([signal, handler]) => process.off(signal, handler));
}
