/** Style of the evidence and report pages. It uses no external fonts or images. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #667085; --paper: #fff; --soft: #f3f5f8; --line: #dde2ea;
  --good: #17734a; --good-soft: #e3f5ec; --bad: #b3261e; --bad-soft: #fdeceb; --unsure: #8a5a00; --unsure-soft: #fdf3dc; --accent: #2457c5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #98a2b3; --paper: #14181f; --soft: #1d232d; --line: #313a48;
  --good: #6fd3a3; --good-soft: #12362a; --bad: #ff9d95; --bad-soft: #431b1a; --unsure: #f2c063; --unsure-soft: #3b2e12; --accent: #8fb2ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 32px 24px 64px; }
header { border-bottom: 1px solid var(--line); margin-bottom: 8px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 8px; }
h2 { font-size: 19px; margin: 36px 0 8px; }
h3 { font-size: 15px; margin: 20px 0 6px; color: var(--dim); }
p { margin: 6px 0 10px; }
.none { color: var(--dim); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: normal; white-space: nowrap; }
td:last-child, #lineage td { white-space: normal; }
thead th { background: var(--soft); color: var(--dim); font-size: 13px; }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
.verdict { display: inline-block; padding: 1px 9px; border-radius: 10px; font-size: 13px; background: var(--soft); }
.verdict.pass, .verdict.approved { background: var(--good-soft); color: var(--good); }
.verdict.fail, .verdict.rejected, .verdict.expired { background: var(--bad-soft); color: var(--bad); }
.verdict.inconclusive, .verdict.pending { background: var(--unsure-soft); color: var(--unsure); }
#warnings { margin: 16px 0; padding: 4px 18px 10px; background: var(--unsure-soft); border-left: 5px solid var(--unsure); }
#warnings h2 { margin: 12px 0 4px; color: var(--unsure); } #warnings ul { margin: 0; padding-left: 18px; } #warnings strong { color: var(--unsure); }
.pass { color: var(--good); } .fail { color: var(--bad); }
.plot { display: block; width: 100%; max-width: 640px; margin: 8px 0; }
.plot.square { max-width: 320px; }
.plot text { fill: var(--dim); font-size: 12px; }
.plot .zero { stroke: var(--dim); stroke-dasharray: 4 4; }
.plot .frame { fill: none; stroke: var(--line); }
.plot .interval { stroke-width: 6; stroke-linecap: round; }
.plot .pass { stroke: var(--good); fill: var(--good); } .plot .fail { stroke: var(--bad); fill: var(--bad); }
.plot .unsure { stroke: var(--unsure); fill: var(--unsure); }
.plot polyline { fill: none; stroke-width: 2; } .plot .challenger { stroke: var(--accent); } .plot circle.challenger { fill: var(--accent); }
.plot .champion { stroke: var(--dim); stroke-dasharray: 5 4; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; }
summary { padding: 6px 10px; background: var(--soft); cursor: pointer; }
pre.diff { margin: 0; padding: 8px 10px; overflow-x: auto; }
pre.diff span { display: block; white-space: pre; min-height: 1.45em; overflow-wrap: normal; }
pre.diff .added { color: var(--good); background: var(--good-soft); } pre.diff .removed { color: var(--bad); background: var(--bad-soft); }
pre.diff .hunk { color: var(--dim); }
form { display: grid; gap: 12px; max-width: 520px; margin: 16px 0; padding: 16px; background: var(--soft); border-radius: 8px; }
label { display: grid; gap: 4px; color: var(--dim); }
input, textarea { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 6px 8px; }
.buttons { display: flex; gap: 8px; }
button { font: inherit; padding: 7px 18px; border: 0; border-radius: 6px; background: var(--good); color: var(--paper); cursor: pointer; }
button.reject { background: var(--bad); } button:disabled { opacity: 0.5; cursor: default; }
output { min-height: 1.5em; }
@media print { form { display: none; } }
`;
