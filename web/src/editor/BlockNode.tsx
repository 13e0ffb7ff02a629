import { Handle, Position, type NodeProps } from "@xyflow/react";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import type { Action } from "../api/types";
import { titleOf } from "../flow/document";
import { setTitle, START } from "../flow/document";
import { isBad, outputsOf, shapeOf } from "../flow/geometry";
import { text } from "../text/en";
import { Icon, type IconName } from "../ui/Icon";
import { useEditor, useSession } from "./context";
import type { BlockNodeType } from "./Stage";
import { useTrace } from "./useTrace";

const CATEGORY_ICON: Record<string, IconName> = {
  core: "cog",
  browser: "browser",
  "salesforce-ui": "cloud",
  "salesforce-data": "data",
  "connect-agent": "desk",
  "connect-contact": "person",
};
const MARK: Record<string, string> = { done: "✓", success: "✓", true: "T", failure: "✕", false: "F" };

export const BlockNode = memo(function BlockNode({ data, selected }: NodeProps<BlockNodeType>) {
  const session = useSession();
  const { action } = data;
  const shape = shapeOf(session.catalogue, action);
  const block = session.catalogue.block(action.type);
  const mark = useEditor((s) => worst(s.diagnostics, action.id));
  const breakpoint = useEditor((s) => s.breakpoints.has(action.id));
  const pinned = useEditor((s) => action.id in s.pinned);
  const moved = useEditor((s) => s.proposal !== null && !s.doc.actions.includes(action));
  const target = useEditor((s) => s.connecting?.hover === action.id);
  const step = useTrace()?.steps.get(action.id);
  const traced = useEditor((s) => s.run !== null);
  const classes = ["block", shape, selected && "selected", !block && "unknown", target && "target", moved && "moved", step && `ran ${step.state}`, traced && !step && "not-run"];
  return (
    <div className={classes.filter(Boolean).join(" ")} data-type={action.type}>
      {shape === "diamond" && (
        <svg className="diamond-shape" viewBox="0 0 250 165" preserveAspectRatio="none" aria-hidden="true">
          <path d="M8 78 L119 4 Q125 0 131 4 L242 78 Q248 82.500 242 87 L131 161 Q125 165 119 161 L8 87 Q2 82.500 8 78 Z" />
        </svg>
      )}
      <span className="uid">{action.id}</span>
      <div className="block-body">
        {shape === "rect" && (
          <span className={`cat cat-${block?.category ?? "none"}`}>
            <Icon name={CATEGORY_ICON[block?.category ?? ""] ?? "warn"} size={15} />
          </span>
        )}
        <Label action={action} />
      </div>
      {action.type !== START && <Socket action={action} port={null} position={Position.Left} />}
      <Outputs action={action} shape={shape} />
      <Badges mark={mark} breakpoint={breakpoint} pinned={pinned} />
      {step && <StepBadge step={step} />}
    </div>
  );
});

function worst(diagnostics: { action: string | null; severity: string }[], id: string): "error" | "warning" | null {
  let found: "error" | "warning" | null = null;
  for (const d of diagnostics) {
    if (d.action !== id) continue;
    if (d.severity === "error") return "error";
    if (d.severity === "warning") found = "warning";
  }
  return found;
}

function Label({ action }: { action: Action }) {
  const session = useSession();
  const naming = useEditor((s) => s.naming === action.id);
  const title = titleOf(session.catalogue, action);
  const [value, setValue] = useState(title);
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (!naming) return;
    setValue(title);
    requestAnimationFrame(() => input.current?.select());
  }, [naming]);
  if (!naming) return <span className="block-title">{title}</span>;
  const end = (keep: boolean): void => {
    if (session.state.naming !== action.id) return;
    const own = value.trim() === session.catalogue.title(action.type) ? "" : value;
    if (keep && value.trim() !== title) session.apply(setTitle(session.state.doc, action.id, own), text.editor.steps.rename);
    session.store.set({ naming: null });
  };
  return (
    <textarea
      ref={input}
      className="block-title nodrag nopan nowheel"
      aria-label={text.editor.blockName}
      value={value}
      rows={2}
      onChange={(event) => setValue(event.target.value.replace(/\n/g, " "))}
      onBlur={() => end(true)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter" || event.key === "Tab") {
          event.preventDefault();
          end(true);
        } else if (event.key === "Escape") end(false);
      }}
    />
  );
}

function Outputs({ action, shape }: { action: Action; shape: string }) {
  const session = useSession();
  const outputs = useMemo(() => outputsOf(session.catalogue, action), [session, action]);
  return outputs.map(({ port, side, shift }) => (
    <Socket key={port} action={action} port={port} position={side === "right" ? Position.Right : Position.Bottom} shift={shift} named={shape === "diamond"} />
  ));
}

function Socket({ action, port, position, shift = 0.5, named }: { action: Action; port: string | null; position: Position; shift?: number; named?: boolean }) {
  const session = useSession();
  const joined = useEditor((s) => (port === null ? hasLineInto(s.doc, action.id) : typeof action.ports?.[port] === "string" && action.ports[port] !== ""));
  const drawing = useEditor((s) => s.connecting !== null && s.connecting.end.id === action.id && s.connecting.end.port === port);
  const classes = ["socket", port === null ? "in" : isBad(port) ? "bad" : "out", joined && "joined", drawing && "drawing"];
  const name = port === null ? text.editor.inputSocket : text.editor.outputSocket(text.ports[port] ?? port);
  const place = shift === 0.5 ? {} : position === Position.Bottom ? { left: `${shift * 100}%` } : { top: `${shift * 100}%` };
  return (
    <Handle
      type={port === null ? "target" : "source"}
      id={port ?? "in"}
      position={position}
      className={classes.filter(Boolean).join(" ")}
      style={place}
      title={name}
      data-port={port ?? "in"}
      onClick={(event) => {
        event.stopPropagation();
        session.clickSocket({ id: action.id, port });
      }}
    >
      {port !== null && <span className="socket-mark">{MARK[port] ?? ""}</span>}
      {named && <span className="socket-name">{text.ports[port ?? ""] ?? port}</span>}
    </Handle>
  );
}

const intoCache = new WeakMap<object, Set<string>>();

function hasLineInto(doc: { actions: Action[] }, id: string): boolean {
  let into = intoCache.get(doc);
  if (!into) {
    into = new Set(doc.actions.flatMap((a) => Object.values(a.ports ?? {}).filter((to): to is string => typeof to === "string")));
    intoCache.set(doc, into);
  }
  return into.has(id);
}

function Badges({ mark, breakpoint, pinned }: { mark: "error" | "warning" | null; breakpoint: boolean; pinned: boolean }) {
  if (!mark && !breakpoint && !pinned) return null;
  return (
    <span className="block-badges">
      {pinned && (
        <i className="mini info" title={text.editor.pinned}>
          <Icon name="link" size={12} />
        </i>
      )}
      {breakpoint && (
        <i className="mini stop" title={text.editor.breakpoint}>
          <Icon name="pause" size={11} />
        </i>
      )}
      {mark && (
        <i className={`mini ${mark}`} title={text.severity[mark]}>
          <Icon name={mark === "error" ? "error" : "warn"} size={13} />
        </i>
      )}
    </span>
  );
}

function StepBadge({ step }: { step: { state: string; tookMs: number | null; visits: number; unresolved: string[]; port: string | null } }) {
  return (
    <span className={`step-badge ${step.state}`}>
      {step.state === "running" ? text.trace.waiting : step.state === "failure" ? `✕ ${took(step.tookMs)}` : `✓ ${took(step.tookMs)}`}
      {step.visits > 1 && ` ×${step.visits}`}
      {step.unresolved.length > 0 && <em title={step.unresolved.join(", ")}> · {text.trace.missing(step.unresolved.length)}</em>}
    </span>
  );
}

function took(ms: number | null): string {
  if (ms === null) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
