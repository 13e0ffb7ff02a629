import { lazy, Suspense, type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { text } from "../text/en";
import { IconButton } from "../ui/Button";
import { useEditor, useSession } from "./context";
import { Problems } from "./Problems";
import type { Panel } from "./session";

const PANELS = {
  problems: Problems,
  test: lazy(() => import("./TestPanel")),
  versions: lazy(() => import("./VersionsPanel")),
  outline: lazy(() => import("./OutlinePanel")),
  code: lazy(() => import("./CodePanel")),
};
const ORDER: Panel[] = ["problems", "test", "versions", "outline", "code"];

/** The panel under the stage; its height is the reader's choice. */
export function Dock() {
  const session = useSession();
  const panel = useEditor((s) => s.panel);
  const [height, setHeight] = useState(260);
  const grip = useRef<{ y: number; height: number } | null>(null);
  if (panel === null) return null;
  const Content = PANELS[panel];
  const size = (next: number): void => setHeight(Math.max(140, Math.min(window.innerHeight - 260, next)));
  const tabKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = ORDER[(ORDER.indexOf(panel) + step + ORDER.length) % ORDER.length];
    if (step === 0 || !next) return;
    event.stopPropagation();
    session.store.set({ panel: next });
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`#tab-${next}`)?.focus());
  };
  return (
    <section className="dock" style={{ height }} aria-label={text.panels.label}>
      <div
        className="grip"
        role="separator"
        aria-orientation="horizontal"
        aria-label={text.panels.resize}
        aria-valuenow={height}
        aria-valuemin={140}
        aria-valuemax={800}
        tabIndex={0}
        onPointerDown={(event: PointerEvent<HTMLDivElement>) => {
          grip.current = { y: event.clientY, height };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => grip.current && size(grip.current.height + grip.current.y - event.clientY)}
        onPointerUp={() => (grip.current = null)}
        onKeyDown={(event) => {
          if (event.key === "ArrowUp") size(height + 24);
          else if (event.key === "ArrowDown") size(height - 24);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <div className="tabs">
        <div className="row" role="tablist" aria-label={text.panels.label} onKeyDown={tabKey}>
          {ORDER.map((id) => (
          <button key={id} id={`tab-${id}`} type="button" role="tab" tabIndex={id === panel ? 0 : -1} aria-selected={id === panel} aria-controls="dock-panel" onClick={() => session.store.set({ panel: id })}>
            {text.panels[id]}
          </button>
        ))}
        </div>
        <span className="grow" />
        <IconButton icon="close" small label={text.panels.close} onClick={() => session.store.set({ panel: null })} />
      </div>
      <div className="dock-body" id="dock-panel" role="tabpanel" aria-labelledby={`tab-${panel}`} tabIndex={0}>
        <Suspense fallback={<p className="faint">{text.common.loading}</p>}>
          <Content />
        </Suspense>
      </div>
    </section>
  );
}
