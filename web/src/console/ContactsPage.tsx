import { useEffect, useState } from "react";
import { line, type Deed, type Read, type Timeline, type Write } from "../api/console";
import { go, href, usePlace } from "../app/router";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Empty } from "../ui/states";
import { count } from "./figures";
import { After, At, Fact, Frame, History, Polling, SaveButtons } from "./parts";
import { Status } from "./Status";
import type { Cell } from "./table";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.contacts;

/** `#/contacts` asks for a contact; `#/contacts/<id>?write=<ticket>` is its timeline, with one write brought into sight. */
export default function ContactsPage({ rest }: { rest: string[] }) {
  const [contact] = rest;
  return (
    <Frame title={T.title} lead={T.lead}>
      <div className="stack wide-gap">
        <Ask key={contact} contact={contact ?? ""} />
        {contact === undefined ? (
          <div className="card">
            <Empty icon="search" title={T.askTitle}>
              {T.askBody}
            </Empty>
          </div>
        ) : (
          <OfContact contact={contact} />
        )}
      </div>
    </Frame>
  );
}

function Ask({ contact }: { contact: string }) {
  const [value, setValue] = useState(contact);
  return (
    <form
      className="ask"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim() !== "") go(["contacts", value.trim()]);
      }}
    >
      <Field label={T.label} hint={T.hint}>
        {(ids) => <input {...ids} className="input mono" value={value} spellCheck={false} autoComplete="off" onChange={(event) => setValue(event.target.value)} />}
      </Field>
      <Button kind="primary" icon="search" type="submit">
        {T.show}
      </Button>
    </form>
  );
}

type Entry = { at: number; key: string } & ({ kind: "write"; write: Write } | { kind: "read"; read: Read } | { kind: "deed"; deed: Deed });

/** Everything of a contact in the order in which it happened. */
function entries({ writes, reads, deeds }: Timeline): Entry[] {
  const all: Entry[] = [
    ...writes.map((write) => ({ kind: "write" as const, at: write.acceptedAt, key: write.id, write })),
    ...reads.map((read, place) => ({ kind: "read" as const, at: read.at, key: `read ${read.at} ${place}`, read })),
    ...deeds.map((deed, place) => ({ kind: "deed" as const, at: deed.at, key: `deed ${deed.at} ${place}`, deed })),
  ];
  return all.sort((a, b) => a.at - b.at);
}

function flatEntry(entry: Entry): Record<string, Cell> {
  const empty = { status: null, id: null, recordId: null, code: null, by: null };
  const at = new Date(entry.at).toISOString();
  if (entry.kind === "read") {
    const { operation, object, source, code } = entry.read;
    return { at, kind: "read", what: `${operation} ${object ?? ""}`.trim(), ...empty, status: source ?? "miss", code };
  }
  if (entry.kind === "deed") return { at, kind: "deed", what: entry.deed.what, ...empty, id: entry.deed.id, by: entry.deed.by };
  const { operation, object, status, id, recordId, code } = { ...entry.write, code: entry.write.error?.code ?? null };
  return { at, kind: "write", what: `${operation} ${object}`, ...empty, status, id, recordId, code };
}

function OfContact({ contact }: { contact: string }) {
  const sought = usePlace().query.get("write");
  const polled = usePoll(`contact ${contact}`, (signal) => line.contact(contact, signal));
  const there = polled.value !== null;
  useEffect(() => {
    if (there && sought) document.getElementById(sought)?.scrollIntoView({ block: "center" });
  }, [there, sought]);
  return (
    <Polling polled={polled}>
      {(timeline) => {
        const all = entries(timeline);
        return all.length === 0 ? (
          <div className="card">
            <Empty icon="search" title={T.none}>
              {T.noneBody}
            </Empty>
          </div>
        ) : (
          <section aria-labelledby="writes">
            <div className="row below">
              <h2 id="writes">{T.list}</h2>
              <Summary writes={timeline.writes} reads={timeline.reads} />
              <span className="grow" />
              <SaveButtons name={T.exportName} rows={all.map(flatEntry)} all={timeline} />
            </div>
            <ol className="timeline">
              {all.map((entry) => (
                <li key={entry.key} data-status={entry.kind === "write" ? entry.write.status : entry.kind}>
                  {entry.kind === "write" ? <WriteCard write={entry.write} all={timeline.writes} sought={entry.write.id === sought} /> : entry.kind === "read" ? <ReadLine read={entry.read} /> : <DeedLine deed={entry.deed} />}
                </li>
              ))}
            </ol>
          </section>
        );
      }}
    </Polling>
  );
}

function Summary({ writes, reads }: { writes: Write[]; reads: Read[] }) {
  const open = writes.filter((w) => !w.done).length;
  const failed = writes.filter((w) => w.status === "failed").length;
  return (
    <span className="row">
      <span className="badge">{T.writes(writes.length)}</span>
      {reads.length > 0 && <span className="badge">{T.reads(reads.length)}</span>}
      {open > 0 && <span className="badge info">{T.open(open)}</span>}
      {failed > 0 && <span className="badge bad">{T.failed(failed)}</span>}
    </span>
  );
}

function ReadLine({ read }: { read: Read }) {
  return (
    <p className="moment">
      <span className="faint nowrap">
        <At at={read.at} />
      </span>
      <span>
        {read.operation} {read.object}
      </span>
      <span className={read.source === "stale" ? "badge warn" : "badge"}>{T.sources[read.source ?? "miss"] ?? read.source}</span>
      {read.code && <code className="bad">{read.code}</code>}
      <span className="faint">{count(read.tookMs)} ms</span>
    </p>
  );
}

function DeedLine({ deed }: { deed: Deed }) {
  return (
    <p className="moment">
      <span className="faint nowrap">
        <At at={deed.at} />
      </span>
      <Icon name="person" size={14} />
      <span className="breaks">
        {deed.by}: {deed.what}
      </span>
    </p>
  );
}

function WriteCard({ write, all, sought }: { write: Write; all: Write[]; sought: boolean }) {
  const { error } = write;
  return (
    <article className={sought ? "card write sought" : "card write"} id={write.id} aria-label={`${write.operation} ${write.object}`}>
      <header className="row wraps">
        <h3>
          {write.operation} {write.object}
        </h3>
        {write.name !== null && <code>{write.name}</code>}
        <Status status={write.status} />
        {write.attempts > 0 && <span className="quiet">{consoleText.failedAttempts(write.attempts)}</span>}
        {write.generation > 1 && <span className="faint">{T.generation(write.generation)}</span>}
        <span className="grow" />
        <span className="faint nowrap">
          <At at={write.acceptedAt} />
        </span>
      </header>
      {error && (
        <p>
          <code>{error.code}</code> {error.message}
          {error.fields.length > 0 && <> ({error.fields.join(", ")})</>}
        </p>
      )}
      {write.status === "failed" && (
        <p className="row">
          {write.reason !== null && <span>{consoleText.reasons[write.reason] ?? write.reason}.</span>}
          {write.reason !== "DISCARDED" && <a className="btn small" href={href(["dead-letters", write.contact, write.id])}>{T.openLetter}</a>}
        </p>
      )}
      <dl className="facts tight">
        {write.recordId !== null && <Fact name={T.record}><code>{write.recordId}</code></Fact>}
        {write.target !== null && write.target !== write.recordId && <Fact name={T.target}><code>{write.target}</code></Fact>}
        {write.waitsFor.length > 0 && (
          <Fact name={write.done ? T.waitedFor : T.waitsFor}>
            {write.waitsFor.map((id) => {
              const other = all.find((w) => w.id === id);
              return (
                <div key={id}>
                  <a href={href(["contacts", write.contact], { write: id })}>{other ? `${other.operation} ${other.object}: ${T.status[other.status] ?? other.status}` : id}</a>
                </div>
              );
            })}
          </Fact>
        )}
        {write.firstSentAt !== null && <Fact name={T.firstSent}><After at={write.firstSentAt} since={write.acceptedAt} /></Fact>}
        {write.nextAt !== null && <Fact name={T.next}><At at={write.nextAt} /></Fact>}
        {write.settleAt !== null && <Fact name={T.settle}><At at={write.settleAt} /></Fact>}
        {write.doneAt !== null && <Fact name={T.done}><After at={write.doneAt} since={write.acceptedAt} /></Fact>}
        <Fact name={consoleText.ticket}><code>{write.id}</code></Fact>
      </dl>
      {write.history.length > 0 && (
        <details>
          <summary>
            {T.history} ({write.history.length})
          </summary>
          <History moments={write.history} />
        </details>
      )}
    </article>
  );
}
