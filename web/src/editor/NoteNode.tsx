import type { NodeProps } from "@xyflow/react";
import { memo, useEffect, useRef, useState } from "react";
import type { Note } from "../api/types";
import { text } from "../text/en";
import { Icon } from "../ui/Icon";
import { useEditor, useSession } from "./context";
import type { NoteNodeType } from "./Stage";

const T = text.notes;

/** A note on the stage: a double click or Enter writes it. */
export const NoteNode = memo(function NoteNode({ data, selected }: NodeProps<NoteNodeType>) {
  const session = useSession();
  const { note } = data;
  const writing = useEditor((s) => s.naming === note.id);
  return (
    <div className={selected ? "note selected" : "note"}>
      {writing ? <Writing note={note} /> : <p>{note.text}</p>}
      {selected && !writing && (
        <button type="button" className="note-remove nodrag" aria-label={T.remove} title={T.remove} onClick={() => session.remove(new Set([note.id]))}>
          <Icon name="close" size={13} />
        </button>
      )}
    </div>
  );
});

function Writing({ note }: { note: Note }) {
  const session = useSession();
  const [value, setValue] = useState(note.text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      area.current?.focus({ preventScroll: true });
      area.current?.setSelectionRange(note.text.length, note.text.length);
    });
    return () => cancelAnimationFrame(frame);
  }, [note]);
  const end = (written: string | null): void => {
    session.writeNote(note, written);
    // The keys go on at the note, not at the page.
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(note.id)}"]`)?.focus({ preventScroll: true }));
  };
  return (
    <textarea
      ref={area}
      className="nodrag nopan nowheel"
      aria-label={T.text}
      placeholder={T.placeholder}
      value={value}
      rows={3}
      onChange={(event) => setValue(event.target.value)}
      onBlur={() => session.writeNote(note, value)}
      onKeyDown={(event) => {
        if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey)) {
          session.writeNote(note, value);
          return;
        }
        event.stopPropagation();
        if (event.key === "Escape") end(null);
        else if (event.key === "Tab" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
          event.preventDefault();
          end(value);
        }
      }}
    />
  );
}
