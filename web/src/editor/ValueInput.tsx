import { useEffect, useMemo, useRef, useState } from "react";
import { actionOf, titleOf } from "../flow/document";
import { asResultReference, brokenReason } from "../flow/expression";
import { text } from "../text/en";
import { Icon } from "../ui/Icon";
import { choicesFor, sampleOf, type ChoiceGroup } from "./choices";
import { useEditor, useSession } from "./context";
import { PopList, type PopItem } from "./PopList";

const T = text.editor;

interface Props {
  id: string;
  /** The block this argument belongs to. */
  at: string;
  label: string;
  value: unknown;
  options: string[];
  first: boolean;
  /** The label is spoken here, as no label element points at the field. */
  spoken?: boolean;
  onChange: (value: unknown) => void;
}

/** A creatable drop-down: results of every block upstream, the options there are, and anything typed. */
export function ValueInput(props: Props) {
  const { id, value, first, label, spoken, onChange } = props;
  const reference = asResultReference(value);
  if (reference) return <Chip {...props} value={String(value)} />;
  const shown = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  return <Typed {...props} key={id} shown={shown} first={first} label={label} spoken={spoken ?? false} onChange={onChange} />;
}

function Chip({ id, at, value, label, first, onChange }: Props & { value: string }) {
  const session = useSession();
  const reference = asResultReference(value);
  const source = useEditor((s) => (reference ? actionOf(s.doc, reference.id) : undefined));
  const broken = useEditor((s) => brokenReason(s.doc, at, value));
  const sample = useEditor((s) => (reference ? sampleOf(s.samples[reference.id], reference.path[0] ?? "") : ""));
  const clear = useRef<HTMLButtonElement>(null);
  const title = source ? titleOf(session.catalogue, source) : (reference?.id ?? "");
  const path = reference ? [...(reference.part === "results" ? [] : [reference.part]), ...reference.path].join(".") : "";
  return (
    <div className="chip-field">
      <span className={broken ? "chip broken" : "chip"} title={value} data-value={value}>
        <span className="clip">{T.valueOf(title)}</span>{" "}
        <span className="chip-result">{T.valueField(path)}</span>
        <button ref={clear} id={id} type="button" data-first={first ? "" : undefined} aria-label={T.clearValue(label, `${T.valueOf(title)} ${T.valueField(path)}`)} onClick={() => onChange("")}>
          <Icon name="close" size={12} />
        </button>
      </span>
      {broken ? (
        <span className="wrong">{broken === "missing" ? T.brokenMissing(reference?.id ?? "") : T.brokenUpstream}</span>
      ) : (
        sample && <span className="sample">{T.lastRun(sample)}</span>
      )}
    </div>
  );
}

function Typed({ id, at, label, options, first, spoken, shown, onChange }: Props & { shown: string; spoken: boolean }) {
  const session = useSession();
  const doc = useEditor((s) => s.doc);
  const flow = useEditor((s) => s.flow);
  const samples = useEditor((s) => s.samples);
  const [typed, setTyped] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setTyped(null), [shown]);
  const groups = useMemo(() => (open ? choicesFor(doc, session.catalogue, at, flow.source, flow.event, samples) : []), [open, doc, session, at, flow.source, flow.event, samples]);
  const items = useMemo(() => itemsOf(groups, options, typed, shown), [groups, options, typed, shown]);
  const take = (next: string): void => {
    setOpen(false);
    setTyped(null);
    if (next !== shown) onChange(next);
  };
  return (
    <div className="typed">
      <input
        ref={input}
        id={id}
        className="input"
        role="combobox"
        autoComplete="off"
        spellCheck={false}
        aria-expanded={open}
        aria-controls={open ? `${id}-list` : undefined}
        aria-autocomplete="list"
        aria-label={spoken ? label : undefined}
        data-first={first ? "" : undefined}
        placeholder={options.length > 0 ? T.chooseOrType : T.typeOrChoose}
        value={typed ?? shown}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
        }}
        onBlur={() => {
          // What was typed is never lost: leaving the field takes it.
          if (typed !== null && typed !== shown) onChange(typed);
          setOpen(false);
        }}
      />
      <span className="caret" aria-hidden="true">
        <Icon name="down" size={13} />
      </span>
      {open && (
        <PopList
          id={`${id}-list`}
          anchor={input}
          items={items}
          onPick={take}
          onClose={() => setOpen(false)}
          onEnterTyped={() => {
            if (typed !== null) take(typed);
          }}
        />
      )}
    </div>
  );
}

function itemsOf(groups: ChoiceGroup[], options: string[], typed: string | null, shown: string): PopItem[] {
  const words = (typed ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (label: string): boolean => words.every((word) => label.toLowerCase().includes(word));
  const items: PopItem[] = [];
  const entered = typed?.trim() ?? "";
  if (entered !== "" && entered !== shown && !options.includes(entered)) items.push({ kind: "new", value: typed ?? "", label: T.addNewValue, note: entered });
  for (const option of options) {
    if (typed === null || fits(option)) items.push({ kind: "choice", group: T.options, value: option, label: option, note: "" });
  }
  for (const group of groups) {
    for (const choice of group.choices) {
      if (typed === null || fits(`${group.title} ${choice.label}`)) items.push({ kind: "choice", group: group.title, value: choice.value, label: choice.label, note: choice.sample });
    }
  }
  return items;
}
