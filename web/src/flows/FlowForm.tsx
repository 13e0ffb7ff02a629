import { useState } from "react";
import { api } from "../api/client";
import { asProblem } from "../api/problem";
import type { Flow, FlowDocument, FlowFields } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { emptyDocument } from "../flow/document";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { Notice } from "../ui/states";

const T = text.form;

interface Props {
  catalogue: Catalogue;
  /** Given when a record is edited; else a new one is made. */
  flow?: FlowFields;
  document?: FlowDocument;
  preset?: Partial<FlowFields>;
  onClose: () => void;
  onDone: (flow: Flow) => void;
  save?: (fields: FlowFields) => Promise<Flow>;
}

const BLANK: FlowFields = { name: "", adapter: "ACLightningAdapter", source: "", event: "", description: "", order: 1, debug: false };

export function FlowForm({ catalogue, flow, document, preset, onClose, onDone, save }: Props) {
  const [fields, setFields] = useState<FlowFields>(flow ? pick(flow) : { ...BLANK, ...preset });
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const set = (patch: Partial<FlowFields>): void => setFields((old) => ({ ...old, ...patch }));
  const source = catalogue.source(fields.source);
  const events = source?.events ?? [];
  const wrong = tried ? faults(fields, events.length > 0) : {};
  const chooseSource = (id: string): void => {
    const [only, ...others] = catalogue.source(id)?.events ?? [];
    set({ source: id, event: only && others.length === 0 ? only.name : "" });
  };
  const submit = async (): Promise<void> => {
    setTried(true);
    if (Object.keys(faults(fields, events.length > 0)).length > 0) return;
    setBusy(true);
    setRefused(null);
    try {
      onDone(save ? await save(fields) : await api.createFlow({ ...fields, document: document ?? emptyDocument() }));
    } catch (error) {
      const problem = asProblem(error);
      setRefused([problem.title, problem.detail].filter(Boolean).join(": "));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={flow ? T.editTitle : T.newTitle}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{text.common.cancel}</Button>
          <Button kind="primary" disabled={busy} onClick={() => void submit()}>
            {T.create}
          </Button>
        </>
      }
    >
      <form
        className="flow-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {refused && <Notice tone="bad">{refused}</Notice>}
        <Field label={T.name} required wrong={wrong.name}>
          {(ids) => <input {...ids} className="input" data-autofocus="" value={fields.name} onChange={(event) => set({ name: event.target.value })} />}
        </Field>
        <Field label={T.adapter} required wrong={wrong.adapter}>
          {(ids) => <input {...ids} className="input" value={fields.adapter} onChange={(event) => set({ adapter: event.target.value })} />}
        </Field>
        <div className="two">
          <Field label={T.source} required wrong={wrong.source}>
            {(ids) => (
              <select {...ids} className="input" value={fields.source} onChange={(event) => chooseSource(event.target.value)}>
                <option value="">{T.choose}</option>
                {catalogue.sources.map((s) => (
                  <option key={s.id} value={s.id}>
                    {s.label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {source?.id === "ctiAction" ? (
            <p className="faint no-event">{T.noEvent}</p>
          ) : (
            <Field label={T.event} required wrong={wrong.event} hint={events.find((e) => e.name === fields.event)?.meaning}>
              {(ids) => (
                <select {...ids} className="input" disabled={!source} value={fields.event} onChange={(event) => set({ event: event.target.value })}>
                  <option value="">{T.choose}</option>
                  {events.map((e) => (
                    <option key={e.name} value={e.name}>
                      {e.name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
        </div>
        <Field label={T.description} optional>
          {(ids) => <textarea {...ids} className="input" rows={2} value={fields.description} onChange={(event) => set({ description: event.target.value })} />}
        </Field>
        <div className="two">
          <Field label={T.order} hint={T.orderHint}>
            {(ids) => <input {...ids} className="input" type="number" min={0} max={9999} value={fields.order} onChange={(event) => set({ order: Number(event.target.value) || 0 })} />}
          </Field>
          <div className="field">
            <span className="label">{T.debug}</span>
            <label className="check">
              <input type="checkbox" aria-label={`${T.debug}: ${T.debugHint}`} checked={fields.debug} onChange={(event) => set({ debug: event.target.checked })} />
              {T.debugHint}
            </label>
          </div>
        </div>
        <button type="submit" className="hidden" tabIndex={-1} aria-hidden="true" />
      </form>
    </Dialog>
  );
}

export function pick(flow: FlowFields): FlowFields {
  const { name, adapter, source, event, description, order, debug } = flow;
  return { name, adapter, source, event, description, order, debug };
}

function faults(fields: FlowFields, needsEvent: boolean): Partial<Record<keyof FlowFields, string>> {
  const found: Partial<Record<keyof FlowFields, string>> = {};
  if (fields.name.trim() === "") found.name = T.nameMissing;
  if (fields.adapter.trim() === "") found.adapter = T.adapterMissing;
  if (fields.source === "") found.source = T.sourceMissing;
  if (needsEvent && fields.event === "") found.event = T.eventMissing;
  return found;
}
