// What a desktop host starts. A setting that its user left empty arrives as an empty or an unfilled variable, which the
// server refuses; for these two it means the default. Not for the others: a policy that got lost must stop the start.
const OPTIONAL = { NAT_GATEWAY_MCP_REGION: 'region', NAT_GATEWAY_MCP_PROFILE: 'profile' };

for (const [variable, setting] of Object.entries(OPTIONAL)) {
  if (['', `\${user_config.${setting}}`].includes(process.env[variable])) delete process.env[variable];
}
await import(new URL('dist/main.js', import.meta.url));
