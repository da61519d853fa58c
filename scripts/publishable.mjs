// Stops `npm publish` until somebody owns the name: the MCP registry takes a package only under its owner's namespace,
// and what is published under another cannot be changed. No GitHub login begins with a hyphen, so `-owner-` is nobody's.
import { readFileSync } from 'node:fs';

const { mcpName } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
if (mcpName.includes('-owner-')) {
  process.stderr.write(
    'Put the owner in place of -owner- in package.json (mcpName) and server.json (name) first.\n',
  );
  process.exit(1);
}
