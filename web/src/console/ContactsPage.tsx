import { useState } from "react";
import { line, type Write } from "../api/console";
import { go, href } from "../app/router";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Icon, type IconName } from "../ui/Icon";
import { Empty } from "../ui/states";
import { Table, type Column } from "../ui/Table";
import { Ago } from "../ui/time";
import { At, Fact, Frame, History, Polling, SaveButtons } from "./parts";
import { usePoll } from "./usePoll";
import "./console.css";

const T = consoleText.contacts;

/** `#/contacts` asks for a contact and lists the writes in doubt; `#/contacts/<id>` is one contact's timeline. */
export default function ContactsPage({ rest }: { rest: string[] }) {
  const [contact] = rest;
  return (
    <Frame title={T.title} lead={T.lead}>
      <div className="stack wide-gap">
        <Ask contact={contact ?? ""} />
        {contact === undefined ? <Doubt /> : <Timeline contact={contact} />}
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

function Timeline({ contact }: { contact: string }) {
  const polled = usePoll(`contact ${contact}`, (signal) => line.contact(contact, signal));
  return (
    <Polling polled={polled}>
      {({ writes }) =>
        writes.length === 0 ? (
          <div className="card">
            <Empty icon="search" title={T.none}>
              {T.noneBody}
            </Empty>
          </div>
        ) : (
          <section aria-labelledby="writes">
            <div className="row below">
              <h2 id="writes" className="grow">
                {T.list}
              </h2>
              <SaveButtons name={T.exportName} rows={writes.map(flat)} all={writes} />
            </div>
            <ol className="timeline">
              {writes.map((write) => (
                <li key={write.id} data-status={write.status}>
                  <WriteCard write={write} all={writes} />
                </li>
              ))}
            </ol>
          </section>
        )
      }
    </Polling>
  );
}

function flat(write: Write): Record<string, string | number | null> {
  const { id, contact, operation, object, status, recordId, attempts, acceptedAt, doneAt, reason, error } = write;
  return { id, contact, operation, object, status, recordId, attempts, acceptedAt, doneAt, reason, code: error?.code ?? null, message: error?.message ?? null };
}

const TONE: Record<string, { tone: string; icon: IconName }> = {
  queued: { tone: "", icon: "dot" },
  sending: { tone: "info", icon: "play" },
  retrying: { tone: "warn", icon: "history" },
  in_doubt: { tone: "warn", icon: "warn" },
  succeeded: { tone: "good", icon: "check" },
  failed: { tone: "bad", icon: "error" },
};

function Status({ status }: { status: string }) {
  const { tone, icon } = TONE[status] ?? { tone: "", icon: "info" as const };
  return (
    <span className={`badge ${tone}`}>
      <Icon name={icon} size={12} /> {T.status[status] ?? status}
    </span>
  );
}

function WriteCard({ write, all }: { write: Write; all: Write[] }) {
  const { error } = write;
  return (
    <article className="card write" id={write.id} aria-label={`${write.operation} ${write.object}`}>
      <header className="row wraps">
        <h3>
          {write.operation} {write.object}
        </h3>
        {write.name !== null && <code>{write.name}</code>}
        <Status status={write.status} />
        {write.attempts > 0 && <span className="quiet">{consoleText.failedAttempts(write.attempts)}</span>}
        {write.generation > 1 && <span className="faint">{T.generation(write.generation)}</span>}
      </header>
      {error && (
        <p>
          <code>{error.code}</code> {error.message}
          {error.fields.length > 0 && <> ({error.fields.join(", ")})</>}
        </p>
      )}
      {write.status === "failed" && (
        <p>
          {write.reason !== null && <code>{write.reason}</code>}{" "}
          {write.reason !== "DISCARDED" && <a href={href(["dead-letters", write.contact, write.id])}>{T.openLetter}</a>}
        </p>
      )}
      <dl className="facts tight">
        {write.recordId !== null && <Fact name={T.record}><code>{write.recordId}</code></Fact>}
        {write.target !== null && write.target !== write.recordId && <Fact name={T.target}><code>{write.target}</code></Fact>}
        {write.waitsFor.length > 0 && (
          <Fact name={T.waitsFor}>
            {write.waitsFor.map((id) => {
              const other = all.find((w) => w.id === id);
              return <div key={id}>{other ? `${other.operation} ${other.object}: ${T.status[other.status] ?? other.status}` : <code>{id}</code>}</div>;
            })}
          </Fact>
        )}
        <Fact name={T.accepted}><At at={write.acceptedAt} /></Fact>
        {write.firstSentAt !== null && <Fact name={T.firstSent}><At at={write.firstSentAt} /></Fact>}
        {write.nextAt !== null && <Fact name={T.next}><At at={write.nextAt} /></Fact>}
        {write.settleAt !== null && <Fact name={T.settle}><At at={write.settleAt} /></Fact>}
        {write.doneAt !== null && <Fact name={T.done}><At at={write.doneAt} /></Fact>}
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

const DOUBTFUL: Column<Write>[] = [
  { key: "write", title: T.write, sort: (w) => `${w.operation} ${w.object}`, cell: (w) => `${w.operation} ${w.object}` },
  { key: "contact", title: T.contact, sort: (w) => w.contact, cell: (w) => <a href={href(["contacts", w.contact])}>{w.contact}</a> },
  { key: "status", title: T.statusColumn, cell: (w) => <Status status={w.status} /> },
  { key: "settle", title: T.settle, sort: (w) => w.settleAt ?? 0, cell: (w) => w.settleAt !== null && <At at={w.settleAt} /> },
  { key: "accepted", title: T.accepted, sort: (w) => w.acceptedAt, cell: (w) => <Ago at={w.acceptedAt} /> },
];

function Doubt() {
  const polled = usePoll("doubt", (signal) => line.doubt(signal));
  return (
    <Polling polled={polled}>
      {({ writes }) => (
        <section className="card">
          <div className="section-head">
            <h2 className="grow">
              {T.doubt}
            </h2>
            {writes.length > 0 && <SaveButtons name="writes-in-doubt" rows={writes.map(flat)} all={writes} />}
          </div>
          {writes.length === 0 ? (
            <Empty icon="check" title={T.doubtNone}>
              {T.doubtNoneBody}
            </Empty>
          ) : (
            <Table label={T.doubt} rows={writes} columns={DOUBTFUL} id={(w) => w.id} />
          )}
        </section>
      )}
    </Polling>
  );
}
