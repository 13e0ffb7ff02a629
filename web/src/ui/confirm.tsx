import { useState } from "react";
import { text } from "../text/en";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Store, usePick } from "./store";

interface Question {
  title: string;
  body: string;
  action: string;
  danger?: boolean;
  /** Asks for a line of text as well, such as a note. */
  input?: { label: string; value: string };
}

const asked = new Store<{ question: Question | null; answer: ((value: string | null) => void) | null }>({
  question: null,
  answer: null,
});

/** Null when declined; else the text given (empty without an input). */
export function ask(question: Question): Promise<string | null> {
  return new Promise((answer) => asked.set({ question, answer }));
}

export function Confirm() {
  const { question, answer } = usePick(asked, (state) => state);
  if (!question || !answer) return null;
  const end = (value: string | null): void => {
    asked.set({ question: null, answer: null });
    answer(value);
  };
  return <Ask key={question.title} question={question} end={end} />;
}

function Ask({ question, end }: { question: Question; end: (value: string | null) => void }) {
  const [value, setValue] = useState(question.input?.value ?? "");
  return (
    <Dialog
      title={question.title}
      onClose={() => end(null)}
      foot={
        <>
          <Button onClick={() => end(null)}>{text.common.cancel}</Button>
          <Button kind={question.danger ? "danger" : "primary"} data-autofocus={question.input ? undefined : ""} onClick={() => end(value)}>
            {question.action}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          end(value);
        }}
      >
        {question.body !== "" && <p className="quiet">{question.body}</p>}
        {question.input && (
          <label className="field">
            <span className="label">{question.input.label}</span>
            <input className="input" data-autofocus="" value={value} onChange={(event) => setValue(event.target.value)} />
          </label>
        )}
      </form>
    </Dialog>
  );
}
