import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { createPortal } from "react-dom";
import { text } from "../text/en";
import { Icon } from "../ui/Icon";

export type PopItem =
  | { kind: "new"; value: string; label: string; note: string }
  | { kind: "choice"; group: string; value: string; label: string; note: string };

interface Props {
  id: string;
  anchor: RefObject<HTMLInputElement | null>;
  items: PopItem[];
  onPick: (value: string) => void;
  onClose: () => void;
  onEnterTyped: () => void;
}

const HEIGHT = 300;
/** Room to the edge of the window. */
const EDGE = 8;

/** The list under a combobox: arrows and Enter from the field, or the mouse. Lies over everything, never cut off. */
export function PopList({ id, anchor, items, onPick, onClose, onEnterTyped }: Props) {
  const [active, setActive] = useState(-1);
  const [rect, setRect] = useState<DOMRect | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const first = items[0]?.kind === "new" ? 0 : -1;
  useEffect(() => setActive(first), [items.length, first]);
  useLayoutEffect(() => {
    const place = (): void => setRect(anchor.current?.getBoundingClientRect() ?? null);
    place();
    window.addEventListener("scroll", place, true);
    window.addEventListener("resize", place);
    return () => {
      window.removeEventListener("scroll", place, true);
      window.removeEventListener("resize", place);
    };
  }, [anchor]);
  useEffect(() => {
    const field = anchor.current;
    if (!field) return;
    const keys = (event: KeyboardEvent): void => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        const step = event.key === "ArrowDown" ? 1 : -1;
        setActive((now) => (items.length === 0 ? -1 : (now + step + items.length) % items.length));
      } else if (event.key === "Enter") {
        const item = items[active];
        if (item) onPick(item.value);
        else onEnterTyped();
      } else if (event.key === "Escape") {
        onClose();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    };
    field.addEventListener("keydown", keys);
    return () => field.removeEventListener("keydown", keys);
  }, [anchor, items, active, onPick, onClose, onEnterTyped]);
  useEffect(() => {
    const field = anchor.current;
    if (!field) return;
    if (active >= 0) field.setAttribute("aria-activedescendant", `${id}-${active}`);
    else field.removeAttribute("aria-activedescendant");
    list.current?.querySelector(`[data-n="${active}"]`)?.scrollIntoView({ block: "nearest" });
    return () => field.removeAttribute("aria-activedescendant");
  }, [active, anchor, id]);
  if (!rect) return null;
  const width = Math.max(rect.width, 240);
  const left = Math.max(EDGE, Math.min(rect.left, window.innerWidth - width - EDGE));
  const below = window.innerHeight - rect.bottom;
  const up = below < HEIGHT && rect.top > below;
  const place = up ? { bottom: window.innerHeight - rect.top + 4, maxHeight: Math.min(HEIGHT, rect.top - 12) } : { top: rect.bottom + 4, maxHeight: Math.min(HEIGHT, below - 12) };
  const groups = [...new Set(items.map((item) => (item.kind === "new" ? "" : item.group)))];
  return createPortal(
    <div
      ref={list}
      id={id}
      className="pop-list"
      role="listbox"
      aria-label={text.editor.choices}
      style={{ left, width, ...place }}
      onPointerDown={(event) => event.preventDefault()}
    >
      {items.length === 0 && <p className="faint pop-empty">{text.editor.noChoices}</p>}
      {groups.map((group) => (
        <div key={group} role="group" aria-label={group || text.editor.addNewValue}>
          {group !== "" && (
            <p className="pop-group" aria-hidden="true">
              {group.toUpperCase()}
            </p>
          )}
          {items.map((item, n) =>
            (item.kind === "new" ? "" : item.group) !== group ? null : (
              <div
                key={`${item.kind} ${item.value}`}
                id={`${id}-${n}`}
                data-n={n}
                role="option"
                aria-selected={n === active}
                className={item.kind === "new" ? "pop-item new" : "pop-item"}
                onPointerMove={() => setActive(n)}
                onClick={() => onPick(item.value)}
              >
                {item.kind === "new" && <Icon name="check" size={14} />}
                <span>{item.label}</span>
                {item.note && <span className="faint clip">{item.kind === "new" ? `“${item.note}”` : item.note}</span>}
              </div>
            ),
          )}
        </div>
      ))}
    </div>,
    document.body,
  );
}
