#!/usr/bin/env node
// Gets what npm run demo and npm test need and do not find, then runs them. Plain JavaScript without packages: it runs
// on whatever Node there is, before anything is installed.
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
    // The first build of the demo makes its environment itself, and has begun sooner.
    ...(purpose === 'demo' ? [] : [prepareEnvironment(env, packages, sandbox), minioIfItCanBeHad(env)]),
  ]);
}

/** The worker's code makes it, and runs the installation in the sandbox. */
async function prepareEnvironment(env, packages, sandbox) {
  await Promise.all([packages, sandbox]);
  await step('the Python environment of examples/bike-demand', (progress) =>
    prepareExampleEnvironment(root, env, progress),
  );
}

/** Perennial works without: what users wrote is then kept apart less well. */
async function sandboxIfItCanBeHad(env) {
  if (process.platform !== 'linux') return;
  const consequence = 'training and other code of users will run without a sandbox';
  try {
    await step('bubblewrap', (progress) => getBubblewrap(env, progress));
    const why = await whyNoSandbox(findProgram(programs.bubblewrap, env), env);
    if (why !== undefined) say(`  ${consequence}, because bubblewrap may not make one here (${why})`);
  } catch (caught) {
    if (!(caught instanceof SetupProblem)) throw caught;
    say(`  ${consequence}: ${caught.message}`);
  }
}

/** Only the tests of S3 need it, and they say so themselves. */
async function minioIfItCanBeHad(env) {
  try {
    await step('MinIO', (progress) => getMinio(env, progress));
  } catch (caught) {
    if (!(caught instanceof SetupProblem)) throw caught;
    say(`  tests that want an S3 server will fail: ${caught.message}`);
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

/** What setup has begun ends with it. A step that was broken off is not taken for done. */
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
