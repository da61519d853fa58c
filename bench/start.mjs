// Measures from the spawn of the process to the answer to the first tools/list, and its resident memory then.
import { Child } from './child.mjs';
import { inTurn, row } from './statistics.mjs';

/** How many times as long as the one-tool server a start may take. The ratio is higher on Node 24 than on Node 20. */
const MOST_OF_ONE_TOOL = Number(process.versions.node.split('.')[0]) >= 24 ? 1.2 : 1.15;

export async function start({ subjects, samples }) {
  const take = (file) => async () => {
    const began = performance.now();
    const child = new Child(file);
    await child.listTools();
    const milliseconds = performance.now() - began;
    const { now } = child.memory();
    await child.end();
    return { milliseconds, now };
  };
  const { ours, oneTool, bare, unbundled } = await inTurn(
    {
      ours: take(subjects.main),
      oneTool: take(subjects.oneTool),
      bare: take(subjects.bare),
      unbundled: take(subjects.unbundled),
    },
    samples,
  );
  const time = (taken) => taken.map(({ milliseconds }) => milliseconds);
  const memory = (taken) => taken.map(({ now }) => now);
  const against = (name, unit, values, floorName, floors, target) =>
    row({ name, unit, values, floorName, floors, target });
  const rows = [
    against('start to tools/list', 'ms', time(ours), 'one-tool server', time(oneTool), MOST_OF_ONE_TOOL),
    against('start to tools/list', 'ms', time(ours), 'bare Node', time(bare)),
    against('start to tools/list', 'ms', time(ours), 'ours unbundled', time(unbundled)),
    against('one-tool server, for scale', 'ms', time(oneTool), 'bare Node', time(bare)),
  ];
  if (ours[0].now !== undefined) {
    rows.push(
      against('memory after tools/list', 'MB', memory(ours), 'bare Node', memory(bare), 1.4),
      against('memory after tools/list', 'MB', memory(ours), 'one-tool server', memory(oneTool)),
    );
  }
  return rows;
}
