import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server';
import { errorReport } from '../vocabulary/failure.ts';
import type { ToolCall } from './define-tool.ts';
import { loadTool } from './tools.ts';

/** Answers a call by the definition of the tool, which the first call loads. */
export async function answerCall(
  name: string,
  given: unknown,
  call: ToolCall,
): Promise<CallToolResult | InputRequiredResult> {
  const tool = await loadTool(name).catch((error: unknown) => {
    call.dependencies.logger.error({ err: error }, 'the code of a tool cannot be loaded');
    return undefined;
  });
  if (tool !== undefined) return tool.answer(given, call);
  const error = errorReport({
    code: 'internal',
    message: 'The code of this tool cannot be loaded. Nothing was done.',
    retryable: false,
    hint: 'The operator of this server has to restart it: its files were changed while it ran.',
  });
  return { content: [{ type: 'text', text: JSON.stringify({ error }) }], isError: true };
}
