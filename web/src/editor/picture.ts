import { createRoot } from "react-dom/client";
import { createElement } from "react";
import { flushSync } from "react-dom";
import type { FlowDocument } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { Picture } from "../flows/Picture";
import { fileName, saveFile } from "../flows/files";

const INK = {
  ".wire": { fill: "none", stroke: "#3f7fc4", "stroke-width": "4" },
  ".shape": { fill: "#ffffff", stroke: "#9aa3b5", "stroke-width": "2.5" },
  text: { fill: "#1b2130", "font-family": "system-ui, sans-serif", "font-size": "18", "font-weight": "600" },
};

/** The stage as a picture of its own, without the page's styles. */
export async function savePicture(doc: FlowDocument, catalogue: Catalogue, name: string, kind: "svg" | "png"): Promise<void> {
  const holder = document.createElement("div");
  const root = createRoot(holder);
  flushSync(() => root.render(createElement(Picture, { doc, catalogue, label: name })));
  const svg = holder.querySelector("svg");
  if (!svg) return;
  for (const [selector, attributes] of Object.entries(INK)) {
    for (const element of svg.querySelectorAll(selector)) {
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    }
  }
  const [, , width = 800, height = 600] = (svg.getAttribute("viewBox") ?? "").split(" ").map(Number);
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(height));
  const content = new XMLSerializer().serializeToString(svg);
  root.unmount();
  const base = fileName(name).replace(/\.json$/, "");
  if (kind === "svg") saveFile(`${base}.svg`, content, "image/svg+xml");
  else await savePng(content, width, height, `${base}.png`);
}

async function savePng(svg: string, width: number, height: number, name: string): Promise<void> {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  image.src = url;
  await image.decode();
  const scale = Math.min(2, 8000 / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = name;
  link.click();
}
