import { loadAllTools } from '../src/tools/tools.ts';

/** The text of src/tools/listed-tools.json: every tool as it is listed where every option is in use. */
export async function listedTools(): Promise<string> {
  const tools = await loadAllTools();
  return `${JSON.stringify(
    tools.map((tool) => tool.listed()),
    undefined,
    2,
  )}\n`;
}
