// Records histories of this version from a run of the whole stack, for replay.test.ts to replay:
//   node test/replay/record-histories.ts
// Run it once, after package.json has got a new version because a workflow has changed. It never replaces histories.
// With names of scenes it plays only those, prints what it would record, and writes nothing.
import { collectRecordings } from './collect-recordings.ts';
import { currentVersion, hasHistories, type Recording, saveHistories } from './recorded-histories.ts';
import { scenes } from './scenes/scenes.ts';
import { Stage } from './stage.ts';

const version = currentVersion();
const named = process.argv.slice(2);

if (named.length === 0 && hasHistories(version)) {
  process.stderr.write(`there are histories of ${version}, which are never recorded again; raise the version first\n`);
  process.exitCode = 1;
} else {
  const recordings = await play(named.length === 0 ? Object.keys(scenes) : named);
  if (named.length === 0) await saveHistories(version, recordings);
  for (const { type, label, number, content } of recordings)
    process.stderr.write(`${type}.${label}.${number}: ${content.history.events.length} events\n`);
}

async function play(names: readonly string[]): Promise<readonly Recording[]> {
  const stage = await Stage.open();
  try {
    for (const name of names) {
      const scene = scenes[name];
      if (scene === undefined)
        throw new Error(`there is no scene ${name}; there are ${Object.keys(scenes).join(', ')}`);
      const begun = Date.now();
      await scene(stage);
      process.stderr.write(`${name}: ${Math.round((Date.now() - begun) / 1000)} s\n`);
    }
    return await collectRecordings(stage.stack, stage.client);
  } finally {
    await stage.close();
  }
}
