// npm run bench -- [--only NAME,…] [--samples N] [--json FILE|-] [--strict]
// Measures each subject, beside its floor where there is one, in turn and over loopback only. Times on a busy machine say
// little: look at the ratios and the spread.
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { calls } from './calls.mjs';
import { load } from './load.mjs';
import { many } from './many.mjs';
import { packageSize } from './package.mjs';
import { places } from './places.mjs';
import { table } from './report.mjs';
import { roundTrips } from './round-trips.mjs';
import { start } from './start.mjs';
import { prepare } from './subjects.mjs';
import { tokens } from './tokens.mjs';

/** The parts, and how many samples each takes. */
const parts = {
  start: [start, 15],
  calls: [calls, 9],
  'round-trips': [roundTrips, 5],
  many: [many, 3],
  load: [load, 3],
  places: [places, 3],
  package: [packageSize, 1],
  tokens: [tokens, 1],
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(parts).join() },
    samples: { type: 'string' },
    json: { type: 'string' },
    strict: { type: 'boolean', default: false },
  },
});

const subjects = await prepare();
const rows = [];
for (const name of values.only.split(',')) {
  const [measure, usual] = parts[name];
  rows.push(...(await measure({ subjects, samples: Number(values.samples ?? usual) })));
}

const machine = `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`;
const json = `${JSON.stringify({ machine, rows }, null, 2)}\n`;
if (values.json === '-') process.stdout.write(json);
else process.stdout.write(`${machine}\n\n${table(rows)}`);
if (values.json !== undefined && values.json !== '-') writeFileSync(values.json, json);
if (values.strict && rows.some(({ met }) => met === false)) process.exitCode = 1;
