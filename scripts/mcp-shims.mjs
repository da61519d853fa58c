// Stands in for the MCP SDK's own shims of Node, which bring along a validator that generates code.
export { default as process } from 'node:process';
export { CfWorkerJsonSchemaValidator as DefaultJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker';
