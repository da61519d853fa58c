// Makes dist/, all that the package consists of: the program in chunks, and the licences of what went into it.
import { rmSync, writeFileSync } from 'node:fs';
import { bundle } from './bundle.mjs';
import { licensesOf } from './licenses.mjs';

rmSync('dist', { recursive: true, force: true });
const metafile = await bundle({ main: 'src/main.ts' }, 'dist');
writeFileSync('dist/third-party-licenses.txt', `${licensesOf(metafile)}\n`);
