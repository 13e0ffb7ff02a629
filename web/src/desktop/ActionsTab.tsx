import { useState } from "react";
import { api } from "../api/client";
import { follow } from "../host/runner";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { tell } from "../ui/tell";
import { toast } from "../ui/toast";
import { ActionEditor } from "./ActionEditor";
import { byOrder, missingFields, needsForm, payloadOf, readActions, writeActions, type CtiAction } from "./actions";
import { snapshotOf } from "./model";
import type { SimDesktop } from "./sim";

const T = text.actions;

export function ActionsTab({ desktop }: { desktop: SimDesktop }) {
  const [actions, setActions] = useState(readActions);
  const [open, setOpen] = useState<CtiAction | null>(null);
  const [editing, setEditing] = useState<CtiAction | "new" | null>(null);
  const keep = (next: CtiAction[]): void => {
    writeActions(next);
    setActions(next);
  };
  const execute = async (action: CtiAction, given: Record<string, string>): Promise<void> => {
    const contact = desktop.contact(desktop.state.current ?? "");
    await tell(
      (async () => {
        const run = await api.startRun({
          flowId: action.flowId,
          event: { source: "ctiAction", name: "onExecute", payload: payloadOf(action, given), contact: contact ? snapshotOf(contact, Date.now()) : null, agent: desktop.agentSnapshot() },
          mode: "live",
        });
        const ended = await follow(run, { surface: desktop.surface, engine: api, contactId: contact?.id ?? null });
        toast(T.ran(action.name, text.test.status[ended.status] ?? ended.status), ended.status === "completed" ? "good" : "warn");
        setOpen(null);
      })(),
    );
  };
  if (open) return <ActionForm action={open} onBack={() => setOpen(null)} onSubmit={(given) => execute(open, given)} />;
  return (
    <div className="stack">
      {actions.length === 0 && <p className="quiet">{T.none}</p>}
      <ul className="actions">
        {byOrder(actions).map((action) => (
          <li key={action.id}>
            <button type="button" className="run" onClick={() => (needsForm(action) ? setOpen(action) : void execute(action, {}))}>
              <span className="grow">{action.name}</span>
              {needsForm(action) ? <Icon name="chevron" size={14} /> : <span className="badge accent">{T.execute}</span>}
            </button>
            <IconButton icon="edit" small label={T.editNamed(action.name)} onClick={() => setEditing(action)} />
          </li>
        ))}
      </ul>
      <Button small icon="plus" onClick={() => setEditing("new")}>
        {T.new}
      </Button>
      {editing && (
        <ActionEditor
          action={editing === "new" ? null : editing}
          onClose={() => setEditing(null)}
          onSave={(saved) => {
            keep([...actions.filter((a) => a.id !== saved.id), saved]);
            setEditing(null);
          }}
          onDelete={(id) => {
            keep(actions.filter((a) => a.id !== id));
            setEditing(null);
          }}
        />
      )}
    </div>
  );
}

function ActionForm({ action, onBack, onSubmit }: { action: CtiAction; onBack: () => void; onSubmit: (given: Record<string, string>) => Promise<void> }) {
  const [given, setGiven] = useState<Record<string, string>>({});
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const missing = missingFields(action, given);
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (missing.length > 0) return;
        setBusy(true);
        void onSubmit(given).finally(() => setBusy(false));
      }}
    >
      <h3>{action.name}</h3>
      {action.instructions && <p className="quiet">{action.instructions}</p>}
      {byOrder(action.fields).map((field) => {
        const wrong = tried && missing.includes(field.name);
        const common = {
          className: "input",
          value: given[field.name] ?? "",
          "aria-invalid": wrong || undefined,
          "aria-required": field.required || undefined,
        };
        return (
          <label className="field" key={field.name}>
            <span className="label">
              {field.label || field.name}
              {field.required && <span className="must">*</span>}
            </span>
            {field.type === "select" ? (
              <select {...common} onChange={(event) => setGiven({ ...given, [field.name]: event.target.value })}>
                <option value="">{text.form.choose}</option>
                {field.options.map((option) => (
                  <option key={option}>{option}</option>
                ))}
              </select>
            ) : (
              <input {...common} onChange={(event) => setGiven({ ...given, [field.name]: event.target.value })} />
            )}
            {wrong && <span className="wrong">{T.missing}</span>}
          </label>
        );
      })}
      <div className="row">
        <Button type="submit" kind="primary" small disabled={busy}>
          {T.submit}
        </Button>
        <Button small onClick={onBack}>
          {T.goBack}
        </Button>
      </div>
    </form>
  );
}
