// Measures the package as published: its size, and how many packages an installation brings.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { row } from './statistics.mjs';

export async function packageSize() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
    const packed = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], process.cwd());
    const [{ filename, size, unpackedSize }] = JSON.parse(packed);
    writeFileSync(join(folder, 'package.json'), '{}');
    npm(['install', '--offline', '--no-audit', '--no-fund', join(folder, filename)], folder);
    const lock = readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8');
    const installed = Object.keys(JSON.parse(lock).packages).length;
    return [
      row({ name: 'tarball', unit: 'kB', values: [size / 1000], target: 600 }),
      row({ name: 'unpacked', unit: 'kB', values: [unpackedSize / 1000] }),
      row({ name: 'packages installed', unit: '', values: [installed], target: 1 }),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
