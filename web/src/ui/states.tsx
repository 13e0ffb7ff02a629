import type { ReactNode } from "react";
import type { Problem } from "../api/problem";
import { text } from "../text/en";
import { Button } from "./Button";
import { Icon, type IconName } from "./Icon";

export function Empty({ icon, title, children, actions }: { icon: IconName; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {actions && <div className="row">{actions}</div>}
    </div>
  );
}

export function Notice({ tone = "info", children, action }: { tone?: "info" | "warn" | "bad"; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <span className="icon-box">
        <Icon name={tone === "info" ? "info" : tone === "warn" ? "warn" : "error"} />
      </span>
      <div className="body">{children}</div>
      {action}
    </div>
  );
}

/** What a person needs of a problem: what it is, why, what to do. */
export function ProblemView({ problem, again }: { problem: Problem; again?: () => void }) {
  const retry = again && (
    <Button small onClick={again}>
      {text.common.tryAgain}
    </Button>
  );
  if (problem.offline) {
    return (
      <Empty icon="plug" title={text.problem.offlineTitle} actions={retry}>
        {text.problem.offlineBody}
      </Empty>
    );
  }
  return (
    <Empty icon="error" title={problem.title || text.problem.title} actions={retry}>
      {problem.detail}
      {problem.hint && <> {problem.hint}</>}
    </Empty>
  );
}
