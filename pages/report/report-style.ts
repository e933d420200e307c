/** Style of the report page, in addition to `pageStyle`. */
export const reportStyle = `
.note { background: var(--unsure-soft); color: var(--unsure); padding: 6px 12px; border-radius: 6px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin: 16px 0; }
.tile { background: var(--soft); border-radius: 8px; padding: 10px 14px; display: grid; }
.tile b { font-size: 22px; font-weight: 600; } .tile span { color: var(--dim); font-size: 13px; }
.plot.wide { max-width: 100%; }
.plot.heat { width: auto; max-width: none; }
.plot .grid { stroke: var(--line); stroke-width: 1; } .plot line.frame { stroke: var(--line); }
.plot line.promotion { stroke: var(--unsure); stroke-dasharray: 3 3; } .plot text.promotion { fill: var(--unsure); font-size: 11px; }
.plot polyline.measured { stroke: var(--accent); } .plot circle.measured { fill: var(--accent); }
.plot polyline.estimated { stroke: var(--dim); stroke-dasharray: 6 4; } .plot circle.estimated { fill: var(--dim); } .plot line.estimated { stroke: var(--dim); stroke-width: 2; }
.plot circle.steady { fill: var(--accent); } .plot circle.muted { fill: var(--line); stroke: var(--dim); }
.plot rect.reference { fill: var(--dim); opacity: 0.45; } .plot rect.current { fill: var(--accent); }
.key.reference { color: var(--dim); opacity: 0.6; } .key.current { color: var(--accent); }
rect.none { fill: none; stroke: var(--line); }
rect.h0 { fill: var(--good-soft); } rect.h1 { fill: #f6dc8c; } rect.h2 { fill: #f0a35e; } rect.h3 { fill: #dd5a44; } rect.h4 { fill: #9c1c31; }
rect.excluded { opacity: 0.25; }
.legend { color: var(--dim); font-size: 13px; } .legend svg { vertical-align: -2px; margin: 0 4px 0 12px; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 18px 22px; }
figure { margin: 0; } figcaption { font-size: 14px; } figure .plot { max-width: 100%; } figure .plot text { font-size: 11px; }
`;
