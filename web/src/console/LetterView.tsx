import { useState } from "react";
import { line, type DeadLetter } from "../api/console";
import { href } from "../app/router";
import { consoleText } from "../text/console";
import { Icon } from "../ui/Icon";
import { ProblemView } from "../ui/states";
import { TableSkeleton } from "../ui/Table";
import { useLoad } from "../ui/useLoad";
import { LetterActions } from "./LetterActions";
import { LetterForm } from "./LetterForm";
import { At, Fact, Frame, History } from "./parts";

const T = consoleText.letters;

/** One dead letter: why it died, what it would write, who changed it. */
export function LetterView({ contact, id }: { contact: string; id: string }) {
  const loaded = useLoad(`${contact}/${id}`, (signal) => line.letter({ contact, id }, signal));
  const [edited, setEdited] = useState<DeadLetter | null>(null);
  const [unsaved, setUnsaved] = useState(false);
  const letter = edited && (loaded.value === null || edited.version > loaded.value.version) ? edited : loaded.value;
  const title = (
    <>
      <a className="crumb" href={href(["dead-letters"])}>
        <span className="flip on">
          <Icon name="chevron" size={12} />
        </span>
        {T.back}
      </a>
      <br />
      {letter ? `${letter.operation} ${letter.object || T.noObject}` : id}
    </>
  );
  const timeline = (
    <a className="btn small" href={href(["contacts", contact])}>
      {T.timeline}
    </a>
  );
  if (loaded.state === "failed") {
    return (
      <Frame title={title} actions={timeline}>
        <div className="card">
          <ProblemView problem={loaded.problem} again={loaded.again} />
          {loaded.problem.status === 404 && <p className="quiet inset">{T.gone}</p>}
        </div>
      </Frame>
    );
  }
  if (!letter) {
    return (
      <Frame title={title}>
        <TableSkeleton columns={3} />
      </Frame>
    );
  }
  return (
    <Frame title={title} lead={unsaved ? T.unsaved : T.lead} actions={<>{timeline}<LetterActions items={unsaved ? [] : [letter]} done={loaded.again} /></>}>
      <div className="letter">
        <section className="card" aria-label={T.columns.error}>
          <p className="below">
            <code>{letter.error.code}</code> {letter.error.message}
          </p>
          <p className="below todo">
            <Icon name="info" size={15} /> {consoleText.causes.todo[letter.reason] ?? (letter.reason === "DEPENDENCY_FAILED" ? consoleText.causes.follows : consoleText.causes.todoElse)}.
          </p>
          <dl className="facts tight">
            <Fact name={T.reason}>{consoleText.reasons[letter.reason] ?? letter.reason}</Fact>
            {letter.error.fields.length > 0 && <Fact name={T.fields}><code>{letter.error.fields.join(", ")}</code></Fact>}
            <Fact name={T.contact}><a href={href(["contacts", letter.contact], { write: letter.id })}><code>{letter.contact}</code></a></Fact>
            <Fact name={T.attempts}>{letter.attempts}</Fact>
            <Fact name={T.died}><At at={letter.failedAt} /></Fact>
            <Fact name={consoleText.ticket}><code>{letter.id}</code></Fact>
          </dl>
        </section>
        <section className="card" aria-labelledby="payload">
          <h2 id="payload">{T.fieldsTitle}</h2>
          <LetterForm key={letter.version} letter={letter} saved={setEdited} reload={loaded.again} unsaved={setUnsaved} />
          <details>
            <summary>{T.whole}</summary>
            <pre tabIndex={0}>{typeof letter.payload === "string" ? letter.payload : JSON.stringify(letter.payload, null, 2)}</pre>
          </details>
        </section>
        {letter.history.length > 0 && (
          <section className="card" aria-labelledby="history">
            <h2 id="history">{T.history}</h2>
            <History moments={letter.history} />
          </section>
        )}
        <section className="card" aria-labelledby="edits">
          <h2 id="edits">{T.edits}</h2>
          {letter.edits.length === 0 ? (
            <p className="quiet">{T.editsNone}</p>
          ) : (
            <ol className="moments">
              {letter.edits.map((edit, place) => (
                <li key={place}>
                  <span className="faint">
                    <At at={edit.at} />
                  </span>{" "}
                  {edit.by}: {edit.what}
                </li>
              ))}
            </ol>
          )}
        </section>
      </div>
    </Frame>
  );
}
