#!/usr/bin/env node
// Becomes dist/main.js. Checks the version of Node before it loads the program, because an older Node stops within the
// program's imports with a stack trace, or without a word. Node 14.8 has to be able to parse this file.
import { engines } from '../package.json';

const [major, minor] = engines.node.match(/\d+/g).map(Number);
const [thisMajor, thisMinor] = process.versions.node.split('.').map(Number);
if (thisMajor < major || (thisMajor === major && thisMinor < minor)) {
  process.stderr.write(
    `nat-gateway-mcp: needs Node ${major}.${minor} or later, and this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}
await import('../src/main.ts');
