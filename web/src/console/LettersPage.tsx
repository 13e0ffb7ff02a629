import { useMemo, useRef, useState } from "react";
import { line, type DeadLetter, type LetterFilter } from "../api/console";
import { href, setQuery, usePlace } from "../app/router";
import { consoleText } from "../text/console";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Empty } from "../ui/states";
import { Table, type Column } from "../ui/Table";
import { Ago } from "../ui/time";
import { LetterActions } from "./LetterActions";
import { LetterView } from "./LetterView";
import { Frame, Polling, SaveButtons } from "./parts";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.letters;
const PAGE = 100;

/** `#/dead-letters?contact&object&code` the list, `#/dead-letters/<contact>/<id>` one of them. */
export default function LettersPage({ rest }: { rest: string[] }) {
  const [contact, id] = rest;
  if (contact !== undefined && id !== undefined) return <LetterView contact={contact} id={id} />;
  return <Letters />;
}

export const key = (letter: { contact: string; id: string }): string => `${letter.contact}/${letter.id}`;

function Letters() {
  const { query } = usePlace();
  const filter: LetterFilter = { contact: query.get("contact") ?? "", object: query.get("object") ?? "", code: query.get("code") ?? "" };
  const address = JSON.stringify(filter);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const pages = useRef({ address, count: 1 });
  if (pages.current.address !== address) pages.current = { address, count: 1 };
  const polled = usePoll(address, (signal) => load(filter, pages.current.count, signal), 5_000);
  const filtered = Object.values(filter).some((value) => value !== "");
  return (
    <Frame title={T.title} lead={T.lead}>
      <div className="card">
        <div className="filters" role="search">
          {(["contact", "object", "code"] as const).map((name) => (
            <input
              key={name}
              className="input"
              type="search"
              aria-label={T[name]}
              placeholder={T[name]}
              value={filter[name]}
              onChange={(event) => setQuery({ ...filter, [name]: event.target.value })}
            />
          ))}
        </div>
        <Polling polled={polled}>
          {({ letters }) =>
            letters.length === 0 ? (
              filtered ? (
                <Empty icon="search" title={T.noMatch} actions={<Button onClick={() => setQuery({})}>{text.common.clear}</Button>}>
                  {T.noMatchBody}
                </Empty>
              ) : (
                <Empty icon="check" title={T.none}>
                  {T.noneBody}
                </Empty>
              )
            ) : (
              <Rows letters={letters} chosen={chosen} choose={setChosen} again={polled.again} />
            )
          }
        </Polling>
        {polled.value?.next && (
          <div className="inset">
            <Button
              onClick={() => {
                pages.current.count += 1;
                polled.again();
              }}
            >
              {T.more}
            </Button>
          </div>
        )}
      </div>
    </Frame>
  );
}

async function load(filter: LetterFilter, count: number, signal: AbortSignal): Promise<{ letters: DeadLetter[]; next: string | null }> {
  const letters: DeadLetter[] = [];
  let next: string | null = null;
  for (let page = 0; page < count; page += 1) {
    const answer = await line.letters({ ...filter, after: next, limit: PAGE }, signal);
    letters.push(...answer.deadLetters);
    next = answer.next ?? null;
    if (next === null) break;
  }
  return { letters, next };
}

function Rows({ letters, chosen, choose, again }: { letters: DeadLetter[]; chosen: ReadonlySet<string>; choose: (next: ReadonlySet<string>) => void; again: () => void }) {
  const items = letters.filter((letter) => chosen.has(key(letter)));
  const columns = useMemo(() => columnsOf(chosen, choose), [chosen, choose]);
  return (
    <>
      <div className="filters">
        <Button small onClick={() => choose(new Set(items.length === letters.length ? [] : letters.map(key)))}>
          {items.length === letters.length ? T.selectNone : T.selectAll}
        </Button>
        <span className="quiet row" role="status">
          {T.selected(items.length)}
        </span>
        <LetterActions
          items={items}
          done={() => {
            choose(new Set());
            again();
          }}
        />
        <span className="grow" />
        <SaveButtons name="dead-letters" rows={letters.map(flat)} all={letters} />
      </div>
      <Table label={T.title} rows={letters} columns={columns} id={key} initial={{ key: "died", down: true }} />
    </>
  );
}

function flat(letter: DeadLetter): Record<string, string | number> {
  const { id, contact, operation, object, reason, error, attempts, failedAt } = letter;
  return { id, contact, operation, object, reason, code: error.code, message: error.message, fields: error.fields.join(" "), attempts, failedAt, payload: JSON.stringify(letter.payload) };
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
    { key: "contact", title: T.columns.contact, sort: (l) => l.contact, cell: (l) => <a href={href(["contacts", l.contact])}>{l.contact}</a> },
    { key: "attempts", title: T.columns.attempts, numeric: true, sort: (l) => l.attempts, cell: (l) => l.attempts },
    { key: "died", title: T.columns.died, sort: (l) => l.failedAt, cell: (l) => <span className="quiet"><Ago at={l.failedAt} /></span> },
  ];
}
