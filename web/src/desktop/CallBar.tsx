import { useState } from "react";
import { text } from "../text/en";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import type { Kind } from "./model";
import { KIND_ICON } from "./PhonePanel";
import type { SimDesktop } from "./sim";

const T = text.desktop;
const KINDS: Kind[] = ["voice", "queue_callback", "chat", "task"];

/** Stands in for Amazon Connect: press and it rings. */
export function CallBar({ desktop }: { desktop: SimDesktop }) {
  const [kind, setKind] = useState<Kind>("voice");
  const [phone, setPhone] = useState("+12065550102");
  const [name, setName] = useState("");
  const [attributes, setAttributes] = useState<[string, string][]>([]);
  const spoken = kind === "voice" || kind === "queue_callback";
  const ring = (): void => {
    const given = Object.fromEntries(attributes.filter(([key]) => key.trim() !== ""));
    void desktop.ring({ kind, phone: spoken ? phone.trim() : "", name: name.trim(), attributes: given });
  };
  const put = (n: number, pair: [string, string]): void => setAttributes(attributes.map((old, m) => (m === n ? pair : old)));
  return (
    <form
      className="call-bar"
      aria-label={T.callBar}
      onSubmit={(event) => {
        event.preventDefault();
        ring();
      }}
    >
      <h2>{T.callBar}</h2>
      <div className="kinds" role="group" aria-label={T.kind}>
        {KINDS.map((k) => (
          <button key={k} type="button" aria-pressed={k === kind} onClick={() => setKind(k)} title={T.kinds[k]}>
            <Icon name={KIND_ICON[k]} />
            <span>{T.kindsShort[k]}</span>
          </button>
        ))}
      </div>
      {spoken && (
        <label className="field">
          <span className="label">{T.number}</span>
          <input className="input" type="tel" value={phone} onChange={(event) => setPhone(event.target.value)} />
        </label>
      )}
      <label className="field">
        <span className="label">
          {T.name} <span className="optional">{text.common.optional}</span>
        </span>
        <input className="input" value={name} onChange={(event) => setName(event.target.value)} />
      </label>
      {attributes.map(([key, value], n) => (
        <div className="pair" key={n}>
          <input className="input" aria-label={T.attributeKey(n + 1)} placeholder={T.attribute} value={key} onChange={(event) => put(n, [event.target.value, value])} />
          <input className="input" aria-label={T.attributeValue(n + 1)} placeholder={T.value} value={value} onChange={(event) => put(n, [key, event.target.value])} />
          <IconButton icon="trash" small label={T.removeAttribute(n + 1)} onClick={() => setAttributes(attributes.filter((_pair, m) => m !== n))} />
        </div>
      ))}
      <div className="row">
        <Button small icon="plus" onClick={() => setAttributes([...attributes, ["", ""]])}>
          {T.attribute}
        </Button>
        <span className="grow" />
        <Button small kind="primary" icon={KIND_ICON[kind]} type="submit" disabled={spoken && phone.trim() === ""}>
          {T.ring[kind]}
        </Button>
      </div>
    </form>
  );
}
