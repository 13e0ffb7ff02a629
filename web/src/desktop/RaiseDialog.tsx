import { useMemo, useState } from "react";
import type { FlowEvent } from "../api/types";
import { sampleEvent } from "../editor/samples";
import type { Catalogue } from "../flow/catalogue";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import type { SimDesktop } from "./sim";

const T = text.desktop;

/** Every source and event of the catalogue, with a sample that may be changed. */
export function RaiseDialog({ desktop, catalogue, onClose }: { desktop: SimDesktop; catalogue: Catalogue; onClose: () => void }) {
  const [source, setSource] = useState(catalogue.sources[0]?.id ?? "");
  const events = catalogue.source(source)?.events ?? [];
  const [event, setEvent] = useState(events[0]?.name ?? "");
  const sample = useMemo(() => JSON.stringify(sampleEvent(catalogue, source, event), null, 2), [catalogue, source, event]);
  const [edited, setEdited] = useState<string | null>(null);
  const parsed = parse(edited ?? sample);
  const raise = (): void => {
    if (!parsed) return;
    void desktop.take({ source, event, payload: parsed.payload ?? {}, contact: parsed.contact ?? null, agent: parsed.agent ?? null });
    onClose();
  };
  return (
    <Dialog
      title={T.raiseAny}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{text.common.cancel}</Button>
          <Button kind="primary" icon="bolt" disabled={!parsed} onClick={raise}>
            {T.raise}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div className="two">
          <Field label={text.form.source}>
            {(ids) => (
              <select
                {...ids}
                className="input"
                value={source}
                onChange={(e) => {
                  setSource(e.target.value);
                  setEvent(catalogue.source(e.target.value)?.events[0]?.name ?? "");
                  setEdited(null);
                }}
              >
                {catalogue.sources.map((s) => (
                  <option key={s.id} value={s.id}>
                    {s.label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={text.form.event} hint={events.find((e) => e.name === event)?.meaning}>
            {(ids) => (
              <select {...ids} className="input" value={event} onChange={(e) => { setEvent(e.target.value); setEdited(null); }}>
                {events.map((e) => (
                  <option key={e.name}>{e.name}</option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <Field label={text.test.sampleJson} wrong={parsed ? undefined : text.test.badJson}>
          {(ids) => <textarea {...ids} className="input mono" rows={12} spellCheck={false} value={edited ?? sample} onChange={(e) => setEdited(e.target.value)} />}
        </Field>
      </div>
    </Dialog>
  );
}

function parse(written: string): Partial<FlowEvent> | null {
  try {
    const value = JSON.parse(written) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Partial<FlowEvent>) : null;
  } catch {
    return null;
  }
}
