import type { Fields, PageSurface } from "../host/surface";

/** Messages and the overlay inside the softphone. Everything from a flow is set as text, never as markup. */
export function pageSurface(root: HTMLElement): PageSurface {
  const overlay = document.createElement("dl");
  overlay.className = "tieline-overlay";
  overlay.hidden = true;
  root.append(overlay);
  return {
    modal: (title, message) => ask(root, title, message, true),
    alert: async (message) => {
      await ask(root, "", message, false);
    },
    overlay: (data) => show(overlay, data),
    showAttributes: () => {
      overlay.hidden = false;
    },
  };
}

function ask(root: HTMLElement, title: string, message: string, refusable: boolean): Promise<boolean> {
  const dialog = document.createElement("dialog");
  const head = document.createElement("h2");
  head.textContent = title;
  const body = document.createElement("p");
  body.textContent = message;
  const ok = document.createElement("button");
  ok.textContent = "OK";
  dialog.append(...(title ? [head] : []), body, ok);
  if (refusable) {
    const no = document.createElement("button");
    no.textContent = "Cancel";
    no.onclick = () => dialog.close("no");
    dialog.append(no);
  }
  root.append(dialog);
  return new Promise((resolve) => {
    ok.onclick = () => dialog.close("ok");
    dialog.onclose = () => {
      dialog.remove();
      resolve(dialog.returnValue === "ok");
    };
    dialog.showModal();
    ok.focus();
  });
}

function show(list: HTMLElement, data: Fields): void {
  for (const [key, value] of Object.entries(data)) {
    const old = [...list.querySelectorAll<HTMLElement>("dt")].find((dt) => dt.textContent === key);
    const dt = old ?? document.createElement("dt");
    const dd = (old?.nextElementSibling as HTMLElement | null) ?? document.createElement("dd");
    dt.textContent = key;
    dd.textContent = typeof value === "string" ? value : JSON.stringify(value);
    if (!old) list.append(dt, dd);
  }
  list.hidden = false;
}
