import { runCli } from './program.ts';

// A reader such as `head` may close the pipe early; the verb has not failed.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
// If the terminal is gone, messages are dropped and the remaining work is still done.
process.stderr.on('error', () => {});

process.exitCode = (await runCli(process.argv.slice(2), process.env, process)) || process.exitCode || 0;
