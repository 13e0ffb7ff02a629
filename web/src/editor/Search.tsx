import { useReactFlow } from "@xyflow/react";
import { useMemo, useState } from "react";
import { searchFlow } from "../flow/search";
import { actionOf, titleOf } from "../flow/document";
import { text } from "../text/en";
import { IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { useEditor, useSession } from "./context";

/** Ctrl+F: titles, ids, types, arguments and notes; also who uses a result and who sets a property. */
export function Search() {
  const session = useSession();
  const flow = useReactFlow();
  const doc = useEditor((s) => s.doc);
  const notes = useEditor((s) => s.notes);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const hits = useMemo(() => searchFlow(doc, session.catalogue, query, notes), [doc, session, query, notes]);
  const show = (n: number): void => {
    const place = (n + hits.length) % Math.max(1, hits.length);
    setAt(place);
    const hit = hits[place];
    if (!hit) return;
    session.select([hit.id]);
    const node = flow.getNode(hit.id);
    if (node) void flow.setCenter(node.position.x + 125, node.position.y + 50, { zoom: Math.max(0.7, flow.getZoom()), duration: 160 });
  };
  const close = (): void => session.store.set({ searching: false });
  return (
    <div className="stage-search" role="search">
      <div className="row">
        <span className="search-box full">
          <Icon name="search" />
          <input
            className="input"
            autoFocus
            aria-label={text.editor.search}
            placeholder={text.search.placeholder}
            value={query}
            onChange={(event) => {
              setQuery(event.target.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") show(event.shiftKey ? at - 1 : query !== "" && session.state.selected.has(hits[at]?.id ?? "") ? at + 1 : at);
              else if (event.key === "Escape") close();
              else return;
              event.preventDefault();
              event.stopPropagation();
            }}
          />
        </span>
        <IconButton icon="close" small label={text.common.close} onClick={close} />
      </div>
      <p className="faint" role="status">
        {query === "" ? text.search.hint : text.search.found(hits.length)}
      </p>
      {hits.length > 0 && (
        <ul>
          {hits.slice(0, 40).map((hit, n) => {
            const action = actionOf(doc, hit.id);
            return (
              <li key={`${hit.id} ${hit.where}`}>
                <button type="button" aria-current={n === at ? "true" : undefined} onClick={() => show(n)}>
                  <span className="clip">{action ? titleOf(session.catalogue, action) : hit.excerpt}</span>
                  <span className="faint clip">
                    {action ? `${hit.id} · ${hit.where}` : text.notes.found}
                    {action && hit.where !== "title" && hit.where !== "id" ? `: ${hit.excerpt}` : ""}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
