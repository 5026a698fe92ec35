"""How the page looks: on light and dark screens, narrow ones, and paper."""

from __future__ import annotations

from eval_pipeline.report.page.drawing import RECOLOURED

LIGHT = {
    "page": "#ffffff",
    "soft": "#f5f7fa",
    "line": "#dde3ea",
    "ink": "#17202b",
    "mute": "#54606e",
    "link": "#0b5fa5",
    "green": "#006b4d",
    "blue": "#1558c0",
    "orange": "#825200",
    "red": "#a83505",
    "gray": "#4f5d6e",
    "violet": "#7c33a3",
}
DARK = {
    "page": "#0f151c",
    "soft": "#18202a",
    "line": "#2b3644",
    "ink": "#e6ebf1",
    "mute": "#a3afbc",
    "link": "#6cb6f5",
    "green": "#3fc79a",
    "blue": "#79bdf7",
    "orange": "#f2b544",
    "red": "#ff9166",
    "gray": "#a9b4c2",
    "violet": "#d3a0ec",
}
"""The hues are those of the badges in `report.looks`, as inks with a contrast of 4.5:1 on their tinted ground."""

_RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.55 Inter,system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1160px;margin:0 auto;padding:36px 24px 48px}
h1,h2,h3,h4,p,ul,dl,dd,table{margin:0;padding:0}
h1{font-size:31px;line-height:1.2;font-weight:680;letter-spacing:-.02em;text-wrap:balance}
h2{font-size:20px;line-height:1.3;font-weight:640;letter-spacing:-.01em;margin:44px 0 4px}
h3{font-size:17px;font-weight:640}
h4{font-size:14px;font-weight:640;margin:18px 0 6px}
a{color:var(--link);text-underline-offset:2px;text-decoration-thickness:1px}
ul{list-style:none}
code,.mono{font-family:'JetBrains Mono',ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em}
.mute{color:var(--mute)}
.small{font-size:13px}
.out{unicode-bidi:isolate;overflow-wrap:anywhere}
.eyebrow{font-size:13px;font-weight:600;color:var(--mute);margin-bottom:6px}
.about{color:var(--mute);margin-bottom:14px;max-width:76ch}
.notice{margin-top:14px;padding:8px 12px;border-radius:8px;background:var(--soft);color:var(--mute);font-size:13px}
.tag{display:inline-block;white-space:nowrap;border-radius:6px;padding:1px 8px;font-size:13px;font-weight:600;
color:var(--tone);background:color-mix(in srgb,var(--tone) 11%,var(--page))}
.green{--tone:var(--green)}.blue{--tone:var(--blue)}.orange{--tone:var(--orange)}
.red{--tone:var(--red)}.gray{--tone:var(--gray)}.violet{--tone:var(--violet)}
.tone{color:var(--tone)}
.figures{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin:22px 0 18px}
.figures li{border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.figures b{display:block;font-size:27px;line-height:1.25;font-weight:640;letter-spacing:-.02em}
.figures .spark{width:100%;height:auto;margin-top:6px;color:var(--mute)}
.brief{border-radius:10px;border:1px solid color-mix(in srgb,var(--tone) 30%,var(--page));
background:color-mix(in srgb,var(--tone) 6%,var(--page));padding:12px 16px}
.brief li+li{margin-top:10px}
.brief p{margin-top:2px;color:var(--mute);font-size:13.5px}
table.list{width:100%;border-collapse:collapse}
.list th,.list td{text-align:left;vertical-align:middle;padding:7px 10px;border-bottom:1px solid var(--line)}
.list thead th{font-size:12.5px;font-weight:600;color:var(--mute);white-space:nowrap;vertical-align:bottom}
.list tbody th{font-weight:600}
.list .n{text-align:right;white-space:nowrap}
.list .small{line-height:1.4}
.list .under{display:block}
.list tbody th{min-width:150px}
.moves td{min-width:92px}
.moves td:first-child,.moves td:nth-child(4){white-space:nowrap}
.trend{display:flex;flex-wrap:wrap;align-items:center;gap:0 10px;white-space:nowrap}
.spark{width:120px;height:28px;display:block;overflow:visible;color:var(--link)}
.spark polyline{fill:none;stroke:currentColor;stroke-width:1.6;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.spark circle{fill:currentColor}
.spark .limit{stroke:var(--red);stroke-dasharray:4 3;opacity:.75}
.card{border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin-top:14px}
.card>p{margin-top:6px}
.card h3 .tag{margin-right:8px;vertical-align:2px}
.chart svg{display:block;width:100%;height:auto;overflow:visible}
.chart text{font-family:inherit}
.wide{margin-top:14px}
.narrow{display:none}
.cases{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 32px;margin-top:8px}
.case{border-top:1px solid var(--line);padding:10px 0 12px}
.case dl{display:grid;grid-template-columns:72px minmax(0,1fr);gap:3px 12px;margin-top:5px;font-size:13.5px}
.case dt{color:var(--mute)}
.case dd{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext}
del{background:color-mix(in srgb,#c2410c 20%,transparent)}
ins{background:color-mix(in srgb,#1f9e78 22%,transparent)}
.grid{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:14px;margin-top:14px}
.cell{border:1px solid var(--line);border-radius:10px;padding:10px 12px 8px;break-inside:avoid}
.cell h3{font-size:13.5px;display:flex;justify-content:space-between;gap:8px;margin-bottom:6px}
.cell h3 .out{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.days{display:flex;justify-content:space-between;font-size:11.5px;color:var(--mute)}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;color:var(--mute)}
.key li{color:var(--tone,var(--red))}
.key span{display:inline-block;height:13px;border-left:2px dashed;margin-right:4px;vertical-align:-2px}
.key .limit span{width:18px;height:0;border-left:0;border-top:2px dashed;vertical-align:4px}
.happened{columns:2;column-gap:32px;margin-top:14px;font-size:13.5px}
.happened li{break-inside:avoid;padding:3px 0}
.pdiff{margin-top:8px}
footer{margin-top:48px;padding-top:14px;border-top:1px solid var(--line);color:var(--mute);font-size:13px}
@media (min-width:1160px){
.types td{white-space:nowrap}
.types .under,.types td:nth-child(n+10){white-space:normal}
.trend{flex-wrap:nowrap}
}
@media screen and (max-width:960px){
main{padding:22px 16px 36px}
h1{font-size:25px}
.figures,.grid{grid-template-columns:repeat(2,minmax(0,1fr))}
.list thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.list,.list tbody,.list tr,.list th,.list td{display:block}
.list tr{border:1px solid var(--line);border-radius:10px;padding:10px 14px;margin-top:10px}
.list th,.list td{border:0;padding:2px 0;min-width:0!important}
.list td{display:grid;grid-template-columns:92px minmax(0,1fr);text-align:left}
.list td::before{content:attr(data-name);color:var(--mute);font-size:13px}
.list .n{text-align:left}
.types tbody{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}
.types tr{display:grid;align-content:start;margin:0;grid-template-columns:repeat(2,minmax(0,1fr));column-gap:12px}
.types td:nth-child(2){display:block}.types td:nth-child(2)::before{content:none}
.types td:nth-child(n+7){grid-column:1/3}
.card{padding:14px}
}
@media screen and (max-width:640px){
.wide{display:none}.narrow{display:block;margin-top:12px}
.happened{columns:1}
.types tbody{grid-template-columns:minmax(0,1fr)}
}
@media screen and (max-width:520px){
.grid,.cases{grid-template-columns:minmax(0,1fr)}
.case dl{grid-template-columns:1fr;gap:0}
.case dd{margin-bottom:4px}
}
@page{margin:14mm 12mm}
@media print{
body{font-size:9pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:none;padding:0}
h2{break-after:avoid}h3,h4{break-after:avoid}
.case,.list tr,.figures li,.brief li,.chart{break-inside:avoid}
a{color:inherit}
.about{max-width:none}
h1{font-size:19pt}h2{font-size:13pt;margin-top:26px}h3{font-size:11pt}
.small,.notice,.key,.happened,.case dl,.brief p,footer{font-size:8pt}
.tag{font-size:8pt}
.list,.list thead th{font-size:8pt}
.list th,.list td{padding:4px 5px}
.list tbody th{min-width:100px}
.list .spark{width:90px;height:21px}
.pdiff td,.pdiff th{font-size:8pt!important}
.grid{grid-template-columns:repeat(3,minmax(0,1fr))}
}
"""


def style() -> str:
    """The style sheet. Paper is always light."""
    dark = "".join(
        f'.chart [{part}="{light}"]{{{part}:{ink}}}' for light, ink in RECOLOURED.items() for part in ("fill", "stroke")
    )
    schemes = f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
    on_dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}{dark}}}"
    return f"{schemes}\n{on_dark}{_RULES}"


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
