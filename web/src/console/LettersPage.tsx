import { useMemo, useState, type ReactNode } from "react";
import { line, type DeadLetter, type LetterFilter } from "../api/console";
import { href, setQuery, usePlace } from "../app/router";
import { consoleText } from "../text/console";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Empty } from "../ui/states";
import type { Column } from "../ui/Table";
import { Ago } from "../ui/time";
import { Causes } from "./Causes";
import { age } from "./figures";
import { LetterActions } from "./LetterActions";
import { LetterView } from "./LetterView";
import { Frame, Polling } from "./parts";
import { Sheet, type More } from "./Sheet";
import type { Cell } from "./table";
import { usePages } from "./usePages";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.letters;

/** `#/dead-letters?contact&object&code&field&last` the list, `#/dead-letters/<contact>/<id>` one of them. */
export default function LettersPage({ rest }: { rest: string[] }) {
  const [contact, id] = rest;
  if (contact !== undefined && id !== undefined) return <LetterView contact={contact} id={id} />;
  return <Letters />;
}

export const key = (letter: { contact: string; id: string }): string => `${letter.contact}/${letter.id}`;

const TEXTS = ["contact", "object", "code", "field"] as const;
const FILTERS = [...TEXTS, "last"] as const;
const HOUR = 3_600_000;
const LAST = [HOUR, 24 * HOUR, 7 * 24 * HOUR];

function Letters() {
  const { query } = usePlace();
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""])) as unknown as LetterFilter;
  const polled = usePages(`letters ${JSON.stringify(filter)}`, (after, signal) => line.letters(filter, after, signal));
  const filtered = FILTERS.some((name) => filter[name] !== "");
  return (
    <Frame title={T.title} lead={T.lead} actions={<a className="btn" href="#/history">{T.who}</a>}>
      <div className="stack wide-gap">
        {!filtered && <Grouped />}
        <div className="filters" role="search" aria-label={T.filters}>
          {TEXTS.map((name) => (
            <input key={name} className="input" type="search" aria-label={T[name]} placeholder={T[name]} value={filter[name]} onChange={(event) => setQuery({ ...filter, [name]: event.target.value })} />
          ))}
          <select className="input" aria-label={T.columns.died} value={filter.last} onChange={(event) => setQuery({ ...filter, last: event.target.value })}>
            <option value="">{T.whenever}</option>
            {LAST.map((millis) => (
              <option key={millis} value={millis}>
                {T.last(age(millis))}
              </option>
            ))}
          </select>
          {filtered && <Button onClick={() => setQuery({})}>{text.common.clear}</Button>}
        </div>
        <Polling polled={polled}>
          {({ rows, next }) => (
            <Rows
              letters={rows}
              again={polled.again}
              more={next !== null && polled}
              empty={
                filtered ? (
                  <Empty icon="search" title={next === null ? T.noMatch : T.noMatchYet}>
                    {next === null ? T.noMatchBody : T.noMatchYetBody}
                  </Empty>
                ) : (
                  <Empty icon="check" title={T.none}>
                    {T.noneBody}
                  </Empty>
                )
              }
            />
          )}
        </Polling>
      </div>
    </Frame>
  );
}

/** What went wrong, grouped, above the single letters. */
function Grouped() {
  const polled = usePoll("overview", (signal) => line.overview(signal), 5_000);
  return polled.value?.dead && polled.value.dead.length > 1 ? <Causes dead={polled.value.dead} more={polled.value.deadMore} /> : null;
}

function Rows({ letters, again, more, empty }: { letters: DeadLetter[]; again: () => void; more: More; empty: ReactNode }) {
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const items = letters.filter((letter) => chosen.has(key(letter)));
  const columns = useMemo(() => columnsOf(chosen, choose), [chosen, choose]);
  return (
    <Sheet
      title={T.list}
      name="dead-letters"
      rows={letters}
      columns={columns}
      id={key}
      flat={flat}
      initial={{ key: "died", down: true }}
      more={more}
      empty={empty}
      actions={
        letters.length > 0 && (
          <>
            <span className="quiet" role="status">
              {items.length > 0 && T.selected(items.length)}
            </span>
            <Button small onClick={() => choose(new Set(items.length === letters.length ? [] : letters.map(key)))}>
              {items.length === letters.length ? T.selectNone : T.selectAll}
            </Button>
            <LetterActions
              items={items}
              done={() => {
                choose(new Set());
                again();
              }}
            />
          </>
        )
      }
    />
  );
}

function flat(letter: DeadLetter): Record<string, Cell> {
  const { id, contact, operation, object, reason, error, attempts, failedAt } = letter;
  return { id, contact, operation, object, reason, code: error.code, message: error.message, fields: error.fields.join(" "), attempts, died: new Date(failedAt).toISOString(), payload: JSON.stringify(letter.payload) };
}

function columnsOf(chosen: ReadonlySet<string>, choose: (next: ReadonlySet<string>) => void): Column<DeadLetter>[] {
  const turn = (name: string): void => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    choose(next);
  };
  return [
    {
      key: "choose",
      title: "",
      width: "40px",
      cell: (l) => <input type="checkbox" aria-label={T.select(`${l.operation} ${l.object} ${l.id}`)} checked={chosen.has(key(l))} onChange={() => turn(key(l))} />,
    },
    {
      key: "write",
      title: T.columns.write,
      sort: (l) => `${l.object} ${l.operation}`,
      cell: (l) => (
        <a href={href(["dead-letters", l.contact, l.id])}>
          {l.operation} {l.object || T.noObject}
        </a>
      ),
    },
    {
      key: "error",
      title: T.columns.error,
      sort: (l) => l.error.code,
      cell: (l) => (
        <div className="two-lines">
          <code>{[l.error.code, ...l.error.fields].join(" · ")}</code>
          <span className="faint">{l.error.message}</span>
        </div>
      ),
    },
    { key: "contact", title: T.columns.contact, sort: (l) => l.contact, cell: (l) => <a href={href(["contacts", l.contact], { write: l.id })}><code className="clip-id">{l.contact}</code></a> },
    { key: "attempts", title: T.columns.attempts, numeric: true, sort: (l) => l.attempts, cell: (l) => l.attempts },
    { key: "died", title: T.columns.died, numeric: true, sort: (l) => l.failedAt, cell: (l) => <span className="quiet nowrap"><Ago at={l.failedAt} /></span> },
  ];
}
