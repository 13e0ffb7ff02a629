import type { Diagnostic, Severity } from "../api/types";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";

const LOOK = { error: { icon: "error", tone: "bad" }, warning: { icon: "warn", tone: "warn" }, info: { icon: "info", tone: "info" } } as const;

export function SeverityBadge({ severity }: { severity: Severity }) {
  const look = LOOK[severity];
  return (
    <span className={`badge ${look.tone}`}>
      <Icon name={look.icon} size={12} /> {text.severity[severity]}
    </span>
  );
}

export function DiagnosticRow({ found, onGo, onFix }: { found: Diagnostic; onGo?: () => void; onFix?: () => void }) {
  const body = (
    <>
      <SeverityBadge severity={found.severity} />
      <span className="grow">
        {found.message}
        {found.hint && <span className="faint"> {found.hint}</span>}
      </span>
      <code className="faint">{[found.action, found.code].filter(Boolean).join(" · ")}</code>
    </>
  );
  return (
    <div className="diagnostic">
      {onGo ? (
        <button type="button" onClick={onGo}>
          {body}
        </button>
      ) : (
        <div className="as-row">{body}</div>
      )}
      {onFix && found.fix && (
        <Button small onClick={onFix}>
          {found.fix.label}
        </Button>
      )}
    </div>
  );
}
