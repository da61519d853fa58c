// Starts the server for a desktop host. A setting that the user left empty arrives as an empty or unresolved variable,
// which the server refuses. For these two it means the default; for the others it must stop the start, because a lost
// policy protects nothing.
const OPTIONAL = { NAT_GATEWAY_MCP_REGION: 'region', NAT_GATEWAY_MCP_PROFILE: 'profile' };

for (const [variable, setting] of Object.entries(OPTIONAL)) {
  if (['', `\${user_config.${setting}}`].includes(process.env[variable])) delete process.env[variable];
}
await import(new URL('dist/main.js', import.meta.url));
