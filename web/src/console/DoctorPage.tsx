import { useState } from "react";
import { line, type Check } from "../api/console";
import { setQuery, usePlace } from "../app/router";
import { consoleText } from "../text/console";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Icon, type IconName } from "../ui/Icon";
import { Empty, ProblemView } from "../ui/states";
import { TableSkeleton, type Column } from "../ui/Table";
import { useLoad } from "../ui/useLoad";
import { Frame } from "./parts";
import { Sheet } from "./Sheet";
import "./console.css";

const T = consoleText.doctor;

const LOOK: Record<string, { tone: string; icon: IconName; rank: number }> = {
  failed: { tone: "bad", icon: "error", rank: 0 },
  warned: { tone: "warn", icon: "warn", rank: 1 },
  good: { tone: "good", icon: "check", rank: 2 },
};

const COLUMNS: Column<Check>[] = [
  {
    key: "status",
    title: T.columns.status,
    width: "120px",
    sort: (c) => LOOK[c.status]?.rank ?? 3,
    cell: (c) => (
      <span className={`badge ${LOOK[c.status]?.tone ?? ""}`}>
        <Icon name={LOOK[c.status]?.icon ?? "info"} size={12} /> {T.status[c.status] ?? c.status}
      </span>
    ),
  },
  { key: "name", title: T.columns.name, sort: (c) => c.name, cell: (c) => <strong className="medium">{c.name}</strong> },
  { key: "cause", title: T.columns.cause, cell: (c) => <span className="breaks">{c.cause}</span> },
  {
    key: "cure",
    title: T.columns.cure,
    cell: (c) => (
      <>
        <span className="breaks">{c.cure}</span>{" "}
        {c.link?.startsWith("https:") ? (
          <a href={c.link} target="_blank" rel="noreferrer">
            {T.link}
          </a>
        ) : (
          c.link && <code>{c.link}</code>
        )}
      </>
    ),
  },
];

/** `#/doctor?objects=…`: what is wrong with the set-up, why, and what cures it. */
export default function DoctorPage() {
  const objects = usePlace().query.get("objects") ?? "";
  const loaded = useLoad(`doctor ${objects}`, (signal) => line.doctor(objects, signal));
  const checks = loaded.value;
  return (
    <Frame
      title={T.title}
      lead={T.lead}
      actions={
        <Button icon="redo" disabled={loaded.state === "loading"} onClick={loaded.again}>
          {loaded.state === "loading" ? T.running : T.again}
        </Button>
      }
    >
      <div className="stack wide-gap">
        <Objects objects={objects} />
        {loaded.state === "failed" ? (
          <div className="card">
            <ProblemView problem={loaded.problem} again={loaded.again} />
          </div>
        ) : checks === null ? (
          <div className="card" aria-busy="true">
            <p className="hidden" role="status">
              {T.running}
            </p>
            <TableSkeleton columns={4} rows={8} />
          </div>
        ) : (
          <>
            <p className="verdict" role="status">
              {T.verdict(checks.filter((c) => c.status === "failed").length, checks.filter((c) => c.status === "warned").length)}
            </p>
            <Sheet
              title={T.checks}
              name="doctor"
              rows={checks}
              columns={COLUMNS}
              id={(c) => `${c.name} ${c.cause}`}
              flat={({ name, status, cause, cure, link }) => ({ status, name, cause, cure, link: link ?? null })}
              initial={{ key: "status" }}
              empty={
                <Empty icon="info" title={T.none}>
                  {T.noneBody}
                </Empty>
              }
            />
          </>
        )}
      </div>
    </Frame>
  );
}

function Objects({ objects }: { objects: string }) {
  const [value, setValue] = useState(objects);
  return (
    <form
      className="ask"
      onSubmit={(event) => {
        event.preventDefault();
        setQuery({ objects: value.trim() });
      }}
    >
      <Field label={T.objects} hint={T.objectsHint}>
        {(ids) => <input {...ids} className="input mono" value={value} placeholder="Contact,Case,Task" spellCheck={false} autoComplete="off" onChange={(event) => setValue(event.target.value)} />}
      </Field>
      <Button type="submit">{T.look}</Button>
    </form>
  );
}
