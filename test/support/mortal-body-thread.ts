import { parentPort } from 'node:worker_threads';

/** Reads bodies as the gateway's thread does, and ends when it meets a body with these words. */
parentPort?.on('message', ({ bytes }: { readonly bytes: Uint8Array }) => {
  if (Buffer.from(bytes).includes('end the thread')) process.exit(1);
});
// After the listener above, which therefore runs first.
await import('../../gateway/protocols/body-thread-main.ts');
