import type { Check, Looked } from './check.ts';

/** Finds working folders of ended processes on the API's machine. Each worker cleans its own machine when it starts. */
export const checkScratch: Check = async ({ scratch }, { fix }) => {
  const stale = await scratch.stale();
  const problems: Looked['problems'][number][] = [];
  for (const { name, why } of stale) {
    if (fix) await scratch.remove(name);
    problems.push({
      subject: `scratch folder ${name}`,
      what: why,
      state: fix ? 'mended' : 'found',
      wayOut: 'perennial doctor --fix removes it, and so does the next start of a worker on that machine',
    });
  }
  return { examined: stale.length, problems };
};
