import { useMemo, useRef, useState } from "react";
import type { BlockSpec } from "../api/types";
import { CATEGORIES, findBlocks } from "../flow/catalogue";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Caret } from "../ui/Table";
import { useEditor, useSession } from "./context";
import { remembered } from "./remembered";
import type { Explorer as Opened } from "./session";

const T = text.explorer;

export function Explorer({ open }: { open: Opened }) {
  const session = useSession();
  const source = useEditor((s) => s.flow.source);
  const [query, setQuery] = useState("");
  const [categories, setCategories] = useState<string[]>([]);
  const [tags, setTags] = useState<string[]>([]);
  const [active, setActive] = useState(0);
  const [favourites, setFavourites] = useState(remembered.read("favourites"));
  const [searches, setSearches] = useState(remembered.read("searches"));
  const cards = useRef<HTMLDivElement>(null);
  const recent = useMemo(() => remembered.read("recent"), []);
  const found = useMemo(
    () => findBlocks(session.catalogue, { text: query, categories, tags, source, favourites, recent }),
    [session, query, categories, tags, source, favourites, recent],
  );
  const select = (block: BlockSpec): void => {
    remembered.push("recent", block.type, 8);
    session.choose(block);
  };
  const move = (to: number): void => {
    const next = Math.max(0, Math.min(found.length - 1, to));
    setActive(next);
    cards.current?.querySelector(`[data-n="${next}"]`)?.scrollIntoView({ block: "nearest" });
  };
  const columns = (): number => (cards.current ? getComputedStyle(cards.current).gridTemplateColumns.split(" ").length : 2);
  const onSearchKey = (event: React.KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowDown: columns(), ArrowUp: -columns() };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(active + step);
    } else if (event.key === "Enter" && found[active]) {
      event.preventDefault();
      select(found[active]);
    }
  };
  const toggle = (list: string[], item: string): string[] => (list.includes(item) ? list.filter((x) => x !== item) : [...list, item]);
  return (
    <Dialog title={open.kind === "change" ? T.changeTitle : T.title} onClose={() => session.store.set({ explorer: null })} wide className="explorer">
      <div className="explorer-body">
        <div className="explorer-left stack">
          <label className="field">
            <span className="label">{text.common.search}</span>
            <span className="search-box full">
              <Icon name="search" />
              <input
                className="input"
                type="text"
                data-autofocus=""
                autoComplete="off"
                placeholder={T.placeholder}
                value={query}
                onChange={(event) => {
                  setQuery(event.target.value);
                  setActive(0);
                }}
                onKeyDown={onSearchKey}
                aria-describedby="explorer-count"
              />
              {query !== "" && <IconButton icon="close" small label={text.common.clear} className="clear" onClick={() => setQuery("")} />}
            </span>
          </label>
          <Choices title={T.categories} items={CATEGORIES.map((id) => ({ id, label: text.categories[id] ?? id }))} chosen={categories} onToggle={(id) => setCategories(toggle(categories, id))} />
          <Choices title={T.tags} items={session.catalogue.tags.map((id) => ({ id, label: id }))} chosen={tags} onToggle={(id) => setTags(toggle(tags, id))} small />
          <div className="row">
            <p id="explorer-count" className="faint grow" role="status">
              {T.showing(found.length)}
            </p>
            <Button small disabled={query.trim() === ""} onClick={() => setSearches(remembered.push("searches", query.trim(), 10))}>
              {T.saveSearch}
            </Button>
          </div>
          {searches.length > 0 && (
            <div className="saved-searches">
              <p className="row faint">
                {T.searches}
                <button type="button" className="link" onClick={() => setSearches(remembered.clear("searches"))}>
                  {text.common.clear}
                </button>
              </p>
              {searches.map((search) => (
                <button key={search} type="button" className="link" onClick={() => setQuery(search)}>
                  {search}
                </button>
              ))}
            </div>
          )}
        </div>
        <div className="cards" ref={cards} role="list" aria-label={T.blocks}>
          {found.map((block, n) => (
            <Card
              key={block.type}
              block={block}
              n={n}
              active={n === active}
              fits={block.sources.length === 0 || block.sources.includes(source) || source === ""}
              favourite={favourites.includes(block.type)}
              onFavourite={() => setFavourites(remembered.toggle("favourites", block.type))}
              onSelect={() => select(block)}
            />
          ))}
          {found.length === 0 && <p className="quiet none">{T.none}</p>}
        </div>
      </div>
    </Dialog>
  );
}

function Choices({ title, items, chosen, onToggle, small }: { title: string; items: { id: string; label: string }[]; chosen: string[]; onToggle: (id: string) => void; small?: boolean }) {
  return (
    <fieldset className="choices">
      <legend>{title}</legend>
      <div className={small ? "pills small" : "pills"}>
        {items.map((item) => (
          <button key={item.id} type="button" className="pill" aria-pressed={chosen.includes(item.id)} onClick={() => onToggle(item.id)}>
            {item.label}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

interface CardProps {
  block: BlockSpec;
  n: number;
  active: boolean;
  fits: boolean;
  favourite: boolean;
  onFavourite: () => void;
  onSelect: () => void;
}

function Card({ block, n, active, fits, favourite, onFavourite, onSelect }: CardProps) {
  const [open, setOpen] = useState(false);
  return (
    <div className={active ? "block-card active" : "block-card"} data-n={n} data-type={block.type} role="listitem" onDoubleClick={onSelect}>
      <header>
        <i className={`cat-dot cat-${block.category}`} title={text.categories[block.category]} />
        <h3>{block.title}</h3>
        <button type="button" className={favourite ? "star on" : "star"} aria-pressed={favourite} aria-label={T.favourite(block.title)} onClick={onFavourite}>
          <Icon name="star" size={14} />
        </button>
      </header>
      <p>{block.description}</p>
      {!fits && (
        <p className="badge warn">
          <Icon name="warn" size={12} /> {T.notForSource}
        </p>
      )}
      {block.controls.length > 0 && (
        <div>
          <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Caret open={open} /> {T.parameters(block.controls.length)}
          </button>
          {open && (
            <ul className="parameters">
              {block.controls.map((control) => (
                <li key={control.name}>
                  <code>{control.name}</code> <span className="faint">{[control.type, control.required ? text.common.required : text.common.optional].join(", ")}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
      <footer>
        {block.calls.length > 0 && (
          <div className="calls">
            <span>{T.calls}</span>
            {block.calls.map((call) => (
              <code key={call}>{call}</code>
            ))}
          </div>
        )}
        <Button small kind="primary" onClick={onSelect} aria-label={T.selectNamed(block.title)}>
          {T.select}
        </Button>
      </footer>
    </div>
  );
}
