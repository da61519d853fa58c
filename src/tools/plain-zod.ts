import * as z from 'zod';

/** For import before the MCP SDK, which makes most of its schemas when it is loaded. */

// Code made for each schema, as zod does by default, takes longer to make than it saves in hundreds of calls.
z.config({ jitless: true });
