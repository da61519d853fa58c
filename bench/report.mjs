// Prints the rows as a table.

export function table(rows) {
  const cells = [
    ['', 'ours', 'least–most', 'floor', '', 'least–most', 'ratio', 'target', ''],
    ...rows.map(({ name, unit, ours, floor, ratio, target, met }) => [
      name,
      `${number(ours.median)} ${unit}`,
      spread(ours),
      floor === undefined ? '' : floor.name,
      floor === undefined ? '' : `${number(floor.median)} ${unit}`,
      floor === undefined ? '' : spread(floor),
      ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
      target === undefined ? '' : `≤ ${target}${ratio === undefined ? '' : ' ×'}`,
      met === undefined ? '' : met ? 'met' : 'NOT MET',
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const left = new Set([0, 3, 8]);
  return `${cells
    .map((line) =>
      line
        .map((cell, column) =>
          left.has(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

function spread({ least, most }) {
  return least === most ? '' : `${number(least)}–${number(most)}`;
}

function number(value) {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
