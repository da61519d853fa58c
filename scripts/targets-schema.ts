import * as z from 'zod';
import { targetsFileSchema } from '../src/config/targets-schema.ts';

/** The text of docs/targets.schema.json: the format of the file of --targets. */
export function targetsSchema(): string {
  const schema = z.toJSONSchema(targetsFileSchema, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify({ ...schema, title: 'Targets of nat-gateway-mcp' }, undefined, 2)}\n`;
}
