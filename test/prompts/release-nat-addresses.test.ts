import { describe, expect, it, onTestFinished } from 'vitest';
import { DESCRIBE, WAIT } from '../../src/vocabulary/names.ts';
import { ERAS, openSession } from '../support/session.ts';

describe.each(ERAS)('the prompt release-nat-addresses, for a %s client', (era) => {
  it('names the goal, the tools, the dry run, the yes and the undo command', async () => {
    const { client, calls, close } = await openSession({ era });
    onTestFinished(close);
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['release-nat-addresses']);
    const { messages } = await client.getPrompt({
      name: 'release-nat-addresses',
      arguments: { goal: '10.0.1.11' },
    });
    const text = JSON.stringify(messages);
    for (const part of ['10.0.1.11', DESCRIBE, 'dry_run', 'yes', WAIT, 'undo_command']) {
      expect(text).toContain(part);
    }
    expect(calls).toEqual([]);
  });
});
