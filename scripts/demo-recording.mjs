// Draws a terminal session as an SVG that shows each line when it was printed, and reads the session back from it.

const COLUMNS = 112;
const CHARACTER = 7.8;
const LINE = 18;
const MARGIN = 16;
const PROMPT = '$ npm run demo';

/** @param lines in order: `text`, and `at`, the seconds from the start until it was printed */
export function draw(lines) {
  const rows = [];
  const texts = [{ text: PROMPT, at: 0 }, ...lines].map(({ text, at }) => {
    const parts = wrapped(text).map((part) => {
      rows.push(part);
      return `<tspan x="${MARGIN}" y="${MARGIN + rows.length * LINE - 5}">${escaped(part)}</tspan>`;
    });
    return `<text${classOf(text)} style="animation-duration:${at.toFixed(2)}s">${parts.join('')}</text>`;
  });
  const width = Math.ceil(COLUMNS * CHARACTER + 2 * MARGIN);
  const height = rows.length * LINE + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>A run of npm run demo</title>
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d1d7e0; white-space: pre; animation: print 0s step-end backwards }
.head { fill: #f0f6fc; font-weight: bold }
.yes { fill: #7ee787 }
.no { fill: #ffa198 }
@keyframes print { from { opacity: 0 } }
@media (prefers-reduced-motion: reduce) { text { animation: none } }
</style>
<rect width="100%" height="100%" rx="8" fill="#151b23"/>
${texts.join('\n')}
</svg>
`;
}

/** The lines of a session that was drawn, without its prompt. */
export function read(svg) {
  const texts = [...svg.matchAll(/<text[^>]*>(.*)<\/text>/g)].map(([, inner]) => inner);
  return texts.slice(1).map((inner) => unescaped(inner.replace(/<[^>]*>/g, '')));
}

/** The lines of a session without what differs from run to run: times, and how often progress was told. */
export function withoutTimes(lines) {
  return lines
    .filter(
      (line) => !/^ {2}\d+ of \d+ addresses released(; the last of them in \d+ s at the latest)?$/.test(line),
    )
    .map((line) =>
      line
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'TIME')
        .replace(/took [\d.]+ s of real time/, 'took N s of real time'),
    );
}

/** Breaks a line where a terminal would. */
function wrapped(text) {
  return text.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [''];
}

function classOf(text) {
  if (text === PROMPT || /^\d+\. /.test(text)) return ' class="head"';
  if (/^ {2}(refused|hint):/.test(text)) return ' class="no"';
  if (/^ {2}(dry_run_passed|unassigning):|is released;|^Every step/.test(text)) return ' class="yes"';
  return '';
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescaped(text) {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
