// Replaces the MCP SDK's shims for Node, which include a validator of JSON schemas that generates code.
export { default as process } from 'node:process';

/** Takes the place of the SDK's default, which servers made here do not use. */
export class DefaultJsonSchemaValidator {}
