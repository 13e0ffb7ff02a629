import { useRef, useState } from "react";
import { line, type Item, type Result } from "../api/console";
import { asProblem, type Problem } from "../api/problem";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { ask } from "../ui/confirm";
import { Dialog } from "../ui/Dialog";
import { Notice } from "../ui/states";
import type { Column } from "../ui/Table";
import { toast } from "../ui/toast";
import { Sheet } from "./Sheet";
import { Status } from "./Status";
import { usePoll } from "./usePoll";

const T = consoleText.letters;
/** So many in one call: the count moves, and a cut line leaves few unknown. */
const AT_ONCE = 20;

interface Work {
  title: string;
  all: number;
  done: number;
  results: Result[];
  busy: boolean;
  problem: Problem | null;
}

/** Dry run, replay and discard of the letters chosen, with what became of each. */
export function LetterActions({ items, done }: { items: Item[]; done: () => void }) {
  const [work, setWork] = useState<Work | null>(null);
  const stopped = useRef(false);
  const run = async (title: string, chosen: Item[], send: (some: Item[]) => Promise<Result[]>): Promise<void> => {
    // A replay takes along what died with a write, so a later part may be done already.
    const results = new Map<string, Result>();
    let left = chosen;
    const show = (busy: boolean, problem: Problem | null = null): void =>
      setWork({ title, all: chosen.length, done: chosen.length - left.length, results: [...results.values()], busy, problem });
    stopped.current = false;
    show(true);
    try {
      while (left.length > 0 && !stopped.current) {
        for (const result of await send(left.slice(0, AT_ONCE))) results.set(result.id, result);
        left = left.slice(AT_ONCE).filter((item) => !results.has(item.id));
        show(true);
      }
      show(false);
    } catch (error) {
      show(false, asProblem(error));
    }
  };
  const named = items.map(({ contact, id }) => ({ contact, id }));
  const replay = (chosen: Item[], overwrite: boolean): Promise<void> => run(T.results, chosen, (some) => line.replay(some, { dryRun: false, overwrite }));
  const askReplay = async (): Promise<void> => {
    const sure = await ask({ title: T.replayTitle(named.length), body: T.replayBody, action: T.replay });
    if (sure !== null) await replay(named, false);
  };
  const askDiscard = async (): Promise<void> => {
    const reason = await ask({ title: T.discardTitle(named.length), body: T.discardBody, action: T.discard, danger: true, input: { label: T.why, value: "" } });
    if (reason === null) return;
    if (reason.trim() === "") toast(T.whyMissing, "warn");
    else await run(T.results, named, (some) => line.discard(some, reason.trim()));
  };
  const none = named.length === 0;
  return (
    <>
      <Button small icon="search" disabled={none} onClick={() => void run(T.dryRunResults, named, (some) => line.replay(some, { dryRun: true, overwrite: false }))}>
        {T.dryRun}
      </Button>
      <Button small icon="play" disabled={none} onClick={() => void askReplay()}>
        {T.replay}
      </Button>
      <Button small icon="trash" kind="danger" disabled={none} onClick={() => void askDiscard()}>
        {T.discard}
      </Button>
      {work && (
        <Results
          work={work}
          stop={() => (stopped.current = true)}
          overwrite={(chosen) => void replay(chosen, true)}
          close={() => {
            const changed = work.title === T.results;
            setWork(null);
            if (changed) done();
          }}
        />
      )}
    </>
  );
}

interface Shown extends Result {
  /** The verdict in words; after a dry run what would be. */
  word: string;
  /** Where the write stands now; null where it was not sent. */
  now: string | null;
}

const COLUMNS: Column<Shown>[] = [
  { key: "id", title: consoleText.ticket, cell: (r) => <a href={href(["contacts", r.contact], { write: r.id })}><code>{r.id}</code></a> },
  { key: "verdict", title: T.verdict, sort: (r) => r.word, cell: (r) => <div className="two-lines"><strong className="medium">{r.word}</strong><span className="faint">{r.message}</span></div> },
  { key: "now", title: T.now, sort: (r) => r.now ?? "", cell: (r) => r.now && <Status status={r.now} /> },
];

/** So many contacts are asked how their writes do. */
const WATCHED = 25;

/** What becomes of the writes that were sent again, by their tickets, for as long as one looks. */
function useNow(sent: Result[]): { now: ReadonlyMap<string, string>; watched: ReadonlySet<string> } {
  const contacts = [...new Set(sent.map((r) => r.contact))].slice(0, WATCHED);
  const polled = usePoll(`now ${contacts.join()}`, async (signal) => {
    const timelines = await Promise.all(contacts.map((contact) => line.contact(contact, signal)));
    return new Map(timelines.flatMap((timeline) => timeline.writes).map((write) => [write.id, write.status]));
  });
  return { now: polled.value ?? new Map(), watched: new Set(contacts) };
}

function Results({ work, stop, overwrite, close }: { work: Work; stop: () => void; overwrite: (chosen: Item[]) => void; close: () => void }) {
  const superseded = work.results.filter((r) => r.verdict === "superseded").map(({ contact, id }) => ({ contact, id }));
  const sent = work.title === T.results ? work.results.filter((r) => r.verdict === "replayed" || r.verdict === "finished") : [];
  const { now, watched } = useNow(sent);
  const isSent = new Set(sent);
  const rows = work.results.map((r) => ({
    ...r,
    word: (work.title === T.dryRunResults ? T.would[r.verdict] : undefined) ?? r.verdict,
    now: isSent.has(r) ? (now.get(r.id) ?? null) : null,
  }));
  const words = [...new Set(rows.map((r) => r.word))];
  const of = (status: string): number => rows.filter((r) => r.now === status).length;
  return (
    <Dialog
      wide
      className="console"
      title={work.title}
      onClose={() => !work.busy && close()}
      foot={
        <>
          {superseded.length > 0 && !work.busy && <Button onClick={() => overwrite(superseded)}>{T.overwrite(superseded.length)}</Button>}
          {work.busy ? (
            <Button icon="stop" onClick={stop}>
              {T.stop}
            </Button>
          ) : (
            <Button kind="primary" onClick={close}>
              {text.common.close}
            </Button>
          )}
        </>
      }
    >
      <div className="row below">
        <progress max={work.all} value={work.done} aria-label={work.title} />
        <span className="quiet" role="status">
          {T.progress(work.done, work.all)}
          {sent.length > 0 && `, ${T.landed(of("succeeded"), of("failed"))}`}
          {sent.some((r) => !watched.has(r.contact)) && `, ${T.watched(watched.size)}`}
        </span>
      </div>
      {words.length > 0 && (
        <p className="row below">
          {words.map((word) => (
            <span key={word} className="badge">
              {rows.filter((r) => r.word === word).length} {word}
            </span>
          ))}
        </p>
      )}
      {work.problem && <Notice tone="bad">{[work.problem.title, work.problem.detail].filter(Boolean).join(": ")}</Notice>}
      {work.results.length > 0 && (
        <Sheet title={T.list} name="results" rows={rows} columns={sent.length > 0 ? COLUMNS : COLUMNS.slice(0, 2)} id={(r) => `${r.contact}/${r.id}`} flat={({ word: _word, ...result }) => result} empty={null} />
      )}
    </Dialog>
  );
}
