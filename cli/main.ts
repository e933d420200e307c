import { runCli } from './program.ts';

// Whoever reads the output may have read enough, as `head` does: that is no failure of the verb's.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
// A terminal that is gone hears nothing; what is left to be done is done all the same.
process.stderr.on('error', () => {});

process.exitCode = (await runCli(process.argv.slice(2), process.env, process)) || process.exitCode || 0;
