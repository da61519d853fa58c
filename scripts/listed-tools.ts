import { TOOLS } from '../src/tools/tools.ts';

/** The text of src/tools/listed-tools.json: every tool as it is listed where every option is in use. */
export function listedTools(): string {
  return `${JSON.stringify(
    TOOLS.map((tool) => tool.listed()),
    undefined,
    2,
  )}\n`;
}
