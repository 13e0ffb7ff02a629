import { useEffect, useRef, useState } from "react";
import { actionOf, titleOf } from "../flow/document";
import { readingOrder } from "../flow/walk";
import { text } from "../text/en";
import { useEditor, useSession } from "./context";

const T = text.keyLine;

/** Drawing a line by keys: left and right choose the output, up and down the target, Enter joins, Escape leaves. */
export function KeyboardLine() {
  const drawing = useEditor((s) => s.connecting);
  if (!drawing?.keyboard) return null;
  return <Chooser key={drawing.end.id} />;
}

function Chooser() {
  const session = useSession();
  const doc = useEditor((s) => s.doc);
  const drawing = useEditor((s) => s.connecting);
  const box = useRef<HTMLDivElement>(null);
  const from = drawing ? actionOf(doc, drawing.end.id) : undefined;
  const ports = from ? (session.catalogue.block(from.type)?.ports ?? Object.keys(from.ports ?? {})) : [];
  const targets = readingOrder(doc).filter((action) => drawing && session.judge(drawing.end, { id: action.id, port: null }).ok);
  const [place, setPlace] = useState(0);
  const target = targets[Math.min(place, targets.length - 1)];
  useEffect(() => box.current?.focus(), []);
  useEffect(() => {
    if (drawing && drawing.hover !== (target?.id ?? null)) session.store.set({ connecting: { ...drawing, hover: target?.id ?? null } });
  }, [target?.id, drawing, session]);
  if (!drawing || !from) return null;
  const end = (join: boolean): void => {
    if (join && target) session.connect(drawing.end, { id: target.id, port: null });
    session.store.set({ connecting: null });
    document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(from.id)}"]`)?.focus({ preventScroll: true });
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const port = ports.indexOf(drawing.end.port as never);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) setPlace((place + step + targets.length) % Math.max(1, targets.length));
    else if (turn !== undefined) {
      const next = ports[(port + turn + ports.length) % Math.max(1, ports.length)];
      if (next !== undefined) session.store.set({ connecting: { ...drawing, end: { id: from.id, port: next } } });
    } else if (event.key === "Enter") end(true);
    else if (event.key === "Escape" || event.key === "Tab") end(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={box}
      className="key-line"
      role="listbox"
      tabIndex={0}
      aria-label={T.label(titleOf(session.catalogue, from), text.ports[drawing.end.port ?? ""] ?? drawing.end.port ?? "")}
      aria-activedescendant={target ? `line-to-${target.id}` : undefined}
      onKeyDown={onKeyDown}
      onBlur={() => session.store.set({ connecting: null })}
    >
      <p aria-hidden="true">
        {T.label(titleOf(session.catalogue, from), text.ports[drawing.end.port ?? ""] ?? drawing.end.port ?? "")} <span className="faint">{T.keys}</span>
      </p>
      {targets.map((action) => (
        <span key={action.id} id={`line-to-${action.id}`} role="option" aria-selected={action.id === target?.id}>
          {titleOf(session.catalogue, action)} <small>{action.id}</small>
        </span>
      ))}
      {targets.length === 0 && <span className="faint">{T.none}</span>}
    </div>
  );
}
