import { createElement } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import type { FlowDocument } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import type { Share } from "../flow/share";
import picture from "../flows/picture.css?raw";
import tokens from "../theme/tokens.css?raw";
import rules from "./shared.css?raw";
import { SharedView } from "./SharedView";
import type { TraceView } from "./trace";

/** A page that stands alone: it runs no script and asks nobody for anything. */
export function sharedPage(share: Share, doc: FlowDocument, trace: TraceView | null, catalogue: Catalogue): string {
  const holder = document.createElement("div");
  const root = createRoot(holder);
  flushSync(() => root.render(createElement(SharedView, { share, doc, trace, catalogue })));
  const body = holder.innerHTML;
  root.unmount();
  const title = document.createElement("span");
  title.textContent = share.flow.name;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title.innerHTML}</title>
<style>
${colours()}
body { max-width: 1100px; margin: 28px auto; padding: 0 20px; background: var(--bg); font-family: var(--font); }
${rules}
${picture}
/* The reader's fonts may be wider than ours. */
.picture text { font-size: 18px; }
</style>
</head>
<body>${body}</body>
</html>
`;
}

/** The product's own colours; the dark ones where the reader's system is dark. */
function colours(): string {
  const [light = "", dark = ""] = tokens.slice(tokens.indexOf(":root {")).split(':root[data-theme="dark"]');
  return `${light}@media (prefers-color-scheme: dark) {\n:root ${dark}}`;
}
