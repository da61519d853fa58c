// Stops `npm publish` until the name has an owner: the MCP registry accepts a package only under its owner's namespace,
// and a published name cannot be changed. `-owner-` belongs to nobody, because no GitHub login begins with a hyphen.
import { readFileSync } from 'node:fs';

const { mcpName } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
if (mcpName.includes('-owner-')) {
  process.stderr.write(
    'Replace -owner- by the owner in package.json (mcpName) and server.json (name) first.\n',
  );
  process.exit(1);
}
