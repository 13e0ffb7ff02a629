import { useReactFlow } from "@xyflow/react";
import { useRef, useState, type PointerEvent, type ReactNode } from "react";
import { createPortal } from "react-dom";
import type { Action } from "../api/types";
import { END, positionOf, START, type Point } from "../flow/document";
import { download } from "../flows/files";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Menu } from "../ui/Menu";
import { useEditor, useSession } from "./context";
import { addBeside, placeBeside } from "./keys";
import { dropTarget, type PaletteItem } from "./palette";
import { savePicture } from "./picture";

const T = text.editor;

export function MainMenu() {
  const session = useSession();
  const flow = useReactFlow();
  const empty = useEditor((s) => s.doc.actions.length === 0);
  const hasStart = useEditor((s) => s.doc.actions.some((a) => a.type === START));
  const hasEnd = useEditor((s) => s.doc.actions.some((a) => a.type === END));
  const chosen = useEditor((s) => s.selected.size);
  const name = (): string => session.state.flow.name;
  const place = (type: PaletteItem): void => {
    if (type === "block") {
      addBeside(session, flow);
      return;
    }
    const block = session.catalogue.block(type);
    if (!block) return;
    const all = session.state.doc.actions;
    const last = all.at(-1);
    const at = type === START ? leftOfAll(all) : last ? placeBeside(session, last.id) : ([336, 0] as Point);
    session.add(block, at);
  };
  return (
    <div className="main-menu stack">
      <div className="row two-up">
        <Menu
          label={T.download}
          className={`btn${empty ? " off" : ""}`}
          trigger={
            <>
              <Icon name="download" /> {T.download}
            </>
          }
          items={[
            { label: T.downloadExact, icon: "download", disabled: empty, run: () => void download(session.state.doc, name(), "exact") },
            { label: T.downloadPretty, icon: "code", disabled: empty, run: () => void download(session.state.doc, name(), "pretty") },
            "rule",
            { label: T.pictureSvg, icon: "image", disabled: empty, run: () => void savePicture(session.state.doc, session.catalogue, name(), "svg") },
            { label: T.picturePng, icon: "image", disabled: empty, run: () => void savePicture(session.state.doc, session.catalogue, name(), "png") },
            "rule",
            { label: text.share.action, icon: "people", disabled: empty, run: () => session.store.set({ sharing: true }) },
          ]}
        />
        <Button icon="upload" onClick={() => session.store.set({ importing: "ask" })}>
          {T.upload}
        </Button>
      </div>
      <section className="palette" aria-label={T.palette}>
        <p>{T.palette}</p>
        <div className="palette-items">
          {!hasStart && (
            <Draggable item="SE_Start" onPlace={place} className="round">
              {session.catalogue.title(START)}
            </Draggable>
          )}
          {!hasEnd && (
            <Draggable item="SE_End" onPlace={place} className="round">
              {session.catalogue.title(END)}
            </Draggable>
          )}
          <Draggable item="block" onPlace={place} className="cards">
            {T.ctiBlock}
          </Draggable>
        </div>
      </section>
      {empty ? (
        <div className="coach stack">
          <p>{T.coach.start}</p>
          <p className="faint">{T.coach.keys}</p>
        </div>
      ) : (
        <p className="faint">{chosen > 1 ? T.manyChosen(chosen) : T.selectHint}</p>
      )}
    </div>
  );
}

function leftOfAll(actions: Action[]): Point {
  const [first] = actions.map(positionOf).sort((a, b) => a[0] - b[0]);
  return first ? [first[0] - 208, first[1]] : [0, 0];
}

/** Dragged by mouse, finger or pen; Enter places it without dragging. */
function Draggable({ item, onPlace, className, children }: { item: PaletteItem; onPlace: (item: PaletteItem) => void; className: string; children: ReactNode }) {
  const [ghost, setGhost] = useState<{ x: number; y: number } | null>(null);
  const from = useRef<{ x: number; y: number } | null>(null);
  const down = (event: PointerEvent<HTMLButtonElement>): void => {
    from.current = { x: event.clientX, y: event.clientY };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const start = from.current;
    if (!start) return;
    if (ghost || Math.hypot(event.clientX - start.x, event.clientY - start.y) > 4) setGhost({ x: event.clientX, y: event.clientY });
  };
  const up = (event: PointerEvent): void => {
    const dragged = ghost !== null;
    from.current = null;
    setGhost(null);
    if (dragged) dropTarget.current?.(item, event.clientX, event.clientY);
    else if (event.pointerType !== "mouse") onPlace(item);
  };
  return (
    <>
      <button
        type="button"
        className={`piece ${className}`}
        data-item={item}
        title={T.dragHint}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={() => {
          from.current = null;
          setGhost(null);
        }}
        onClick={(event) => {
          // Only keys: a mouse click without a drag does nothing, as a drag is meant.
          if (event.detail === 0) onPlace(item);
        }}
        onDoubleClick={() => onPlace(item)}
      >
        {children}
      </button>
      {ghost &&
        createPortal(
          <div className={`piece ghost ${className}`} style={{ left: ghost.x, top: ghost.y }} aria-hidden="true">
            {children}
          </div>,
          document.body,
        )}
    </>
  );
}
