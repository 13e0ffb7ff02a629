import { useState } from "react";
import { api } from "../api/client";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { useLoad } from "../ui/useLoad";
import { camelCase, type CtiAction, type FormField } from "./actions";

const T = text.actions;

interface Props {
  action: CtiAction | null;
  onClose: () => void;
  onSave: (action: CtiAction) => void;
  onDelete: (id: string) => void;
}

const BLANK_FIELD: FormField = { name: "", label: "", type: "text", options: [], order: 1, required: false };

/** Three steps: what runs, what is always given, what the agent is asked. */
export function ActionEditor({ action, onClose, onSave, onDelete }: Props) {
  const flows = useLoad("action flows", () => api.flows());
  const [draft, setDraft] = useState<CtiAction>(action ?? { id: crypto.randomUUID(), name: "", flowId: "", order: 1, instructions: "", payload: [], fields: [] });
  const [step, setStep] = useState(0);
  const set = (patch: Partial<CtiAction>): void => setDraft((old) => ({ ...old, ...patch }));
  const usable = (flows.value ?? []).filter((flow) => flow.source === "ctiAction" && flow.deletedAt === null);
  const complete = draft.name.trim() !== "" && draft.flowId !== "";
  const putField = (n: number, patch: Partial<FormField>): void => set({ fields: draft.fields.map((field, m) => (m === n ? { ...field, ...patch } : field)) });
  return (
    <Dialog
      title={action ? T.editTitle : T.newTitle}
      onClose={onClose}
      wide={step === 2}
      foot={
        <>
          {action && (
            <Button kind="danger" icon="trash" onClick={() => onDelete(draft.id)}>
              {text.common.delete}
            </Button>
          )}
          <span className="grow" />
          {step > 0 && <Button onClick={() => setStep(step - 1)}>{text.common.back}</Button>}
          {step < 2 && (
            <Button disabled={!complete} onClick={() => setStep(step + 1)}>
              {T.next}
            </Button>
          )}
          <Button kind="primary" disabled={!complete} onClick={() => onSave({ ...draft, fields: draft.fields.map((f) => ({ ...f, name: camelCase(f.name || f.label) })).filter((f) => f.name !== "") })}>
            {text.common.save}
          </Button>
        </>
      }
    >
      <p className="faint step-line">{T.step(step + 1, T.steps[step] ?? "")}</p>
      {step === 0 && (
        <div className="stack">
          <Field label={T.name} required>
            {(ids) => <input {...ids} className="input" data-autofocus="" value={draft.name} onChange={(e) => set({ name: e.target.value })} />}
          </Field>
          <Field label={T.flow} required hint={usable.length === 0 && flows.state === "ready" ? T.noFlows : undefined}>
            {(ids) => (
              <select {...ids} className="input" value={draft.flowId} onChange={(e) => set({ flowId: e.target.value })}>
                <option value="">{text.form.choose}</option>
                {usable.map((flow) => (
                  <option key={flow.id} value={flow.id}>
                    {flow.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={text.form.order}>
            {(ids) => <input {...ids} className="input" type="number" value={draft.order} onChange={(e) => set({ order: Number(e.target.value) || 0 })} />}
          </Field>
        </div>
      )}
      {step === 1 && (
        <div className="stack">
          <p className="quiet">{T.payloadLead}</p>
          {draft.payload.map((pair, n) => (
            <div className="pair" key={n}>
              <input className="input" aria-label={T.key(n + 1)} placeholder="key" value={pair.key} onChange={(e) => set({ payload: draft.payload.map((p, m) => (m === n ? { ...p, key: e.target.value } : p)) })} />
              <input className="input" aria-label={T.value(n + 1)} value={pair.value} onChange={(e) => set({ payload: draft.payload.map((p, m) => (m === n ? { ...p, value: e.target.value } : p)) })} />
              <IconButton icon="trash" small label={T.removePair(n + 1)} onClick={() => set({ payload: draft.payload.filter((_p, m) => m !== n) })} />
            </div>
          ))}
          <Button small icon="plus" onClick={() => set({ payload: [...draft.payload, { key: "", value: "" }] })}>
            {T.addPair}
          </Button>
        </div>
      )}
      {step === 2 && (
        <div className="stack">
          <Field label={T.instructions} optional>
            {(ids) => <textarea {...ids} className="input" rows={2} value={draft.instructions} onChange={(e) => set({ instructions: e.target.value })} />}
          </Field>
          {draft.fields.map((field, n) => (
            <div className="form-field" key={n}>
              <input className="input" aria-label={T.fieldLabel(n + 1)} placeholder={T.label} value={field.label} onChange={(e) => putField(n, { label: e.target.value, ...(field.name === camelCase(field.label) ? { name: camelCase(e.target.value) } : {}) })} />
              <input className="input mono" aria-label={T.fieldName(n + 1)} placeholder="camelCase" value={field.name} onChange={(e) => putField(n, { name: e.target.value })} onBlur={(e) => putField(n, { name: camelCase(e.target.value) })} />
              <select className="input" aria-label={T.fieldType(n + 1)} value={field.type} onChange={(e) => putField(n, { type: e.target.value === "select" ? "select" : "text" })}>
                <option value="text">{T.types.text}</option>
                <option value="select">{T.types.select}</option>
              </select>
              <input className="input" type="number" aria-label={T.fieldOrder(n + 1)} value={field.order} onChange={(e) => putField(n, { order: Number(e.target.value) || 0 })} />
              <label className="check">
                <input type="checkbox" checked={field.required} onChange={(e) => putField(n, { required: e.target.checked })} /> {text.common.required}
              </label>
              <IconButton icon="trash" small label={T.removeField(n + 1)} onClick={() => set({ fields: draft.fields.filter((_f, m) => m !== n) })} />
              {field.type === "select" && (
                <input className="input options" aria-label={T.fieldOptions(n + 1)} placeholder={T.optionsHint} value={field.options.join(", ")} onChange={(e) => putField(n, { options: e.target.value.split(",").map((o) => o.trimStart()) })} onBlur={(e) => putField(n, { options: e.target.value.split(",").map((o) => o.trim()).filter(Boolean) })} />
              )}
            </div>
          ))}
          <Button small icon="plus" onClick={() => set({ fields: [...draft.fields, { ...BLANK_FIELD, order: draft.fields.length + 1 }] })}>
            {T.addField}
          </Button>
        </div>
      )}
    </Dialog>
  );
}
