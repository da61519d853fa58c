// Takes docs/images/question.png: the question about a release as the MCP Inspector shows it. Run it by hand, with
// `npm run screenshot`, after a change of the question; it needs Chromium (or CHROMIUM=/path/to/it), and npx fetches
// the Inspector, the Node that it runs on, and playwright-core.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PICTURE = fileURLToPath(new URL('../docs/images/question.png', import.meta.url));
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TOOL = 'unassign_private_nat_gateway_address';
const CALL = { nat_gateway_id: 'nat-0a11a11a11a11a11a', private_ip_addresses: ['10.0.1.11'] };
/** Chromium as root in a container, without its own traffic. */
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'];

const fetched = fetchedModules();
const { chromium } = createRequire(join(fetched, 'from.js'))('playwright-core');
const folder = mkdtempSync(join(tmpdir(), 'screenshot-'));
const inspector = startInspector();
try {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: QUIET,
  });
  const page = await browser.newPage({ viewport: { width: 1180, height: 700 }, colorScheme: 'light' });
  await page.goto(await inspector.url);
  await call(page);
  const dialog = page.getByRole('dialog');
  await dialog.getByText(CALL.private_ip_addresses[0]).waitFor();
  await page.waitForTimeout(500); // The dialog fades in.
  await dialog.screenshot({ path: PICTURE });
  await browser.close();
} finally {
  inspector.end();
  rmSync(folder, { recursive: true });
}

/** The folder of modules that npx fetched; an import looks only beside this file. */
function fetchedModules() {
  const bin = process.env.PATH.split(delimiter).find((each) => existsSync(join(each, 'playwright-core')));
  if (bin === undefined)
    throw new Error('playwright-core is not on the path: start me with npm run screenshot');
  return join(bin, '..');
}

/** Starts the Inspector with this server on its list; `url` resolves once it listens. */
function startInspector() {
  const args = [MAIN, '--simulate', '--log-level', 'error'];
  const config = join(folder, 'servers.json');
  writeFileSync(
    config,
    JSON.stringify({ mcpServers: { 'nat-gateway': { command: process.execPath, args } } }),
  );
  const child = spawn('mcp-inspector', ['--web', '--config', config], {
    env: { ...process.env, MCP_AUTO_OPEN_ENABLED: 'false', MCP_INSPECTOR_SECRET_STORE: 'memory' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const url = new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const [found] = /http:\S+TOKEN=\w+/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the Inspector exited with ${code}`)));
  });
  return { url, end: () => child.kill() };
}

/** Connects to the server and calls the tool, with its arguments typed as JSON. */
async function call(page) {
  await page.getByRole('switch', { name: /nat-gateway/ }).click({ force: true });
  await page.getByText('Tools', { exact: true }).first().click();
  await page.getByText(TOOL).first().click();
  await page.getByRole('switch', { name: 'Edit as JSON' }).click({ force: true });
  await page.locator('.ace_editor').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(JSON.stringify(CALL));
  await page.getByRole('button', { name: 'Execute Tool' }).click();
}
