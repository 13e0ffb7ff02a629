import { useReactFlow } from "@xyflow/react";
import { useEffect } from "react";
import { copyText, readCopied } from "../flow/clipboard";
import * as edit from "../flow/document";
import { boxOf } from "../flow/geometry";
import { NOTE } from "../flow/notes";
import { neighbour } from "../flow/walk";
import { text } from "../text/en";
import { toast } from "../ui/toast";
import { useSession } from "./context";
import type { EditorSession } from "./session";

/** Keys of the editor. In a text field only undo, redo and save are taken. */
export function useKeys(help: () => void): void {
  const session = useSession();
  const flow = useReactFlow();
  useClipboard(session);
  useEffect(() => {
    // A removed block or a closed dialog leaves the focus on the page round the editor; the keys still mean the editor then.
    let inside = true;
    const notice = (event: Event): void => {
      if (event.target instanceof Element && event.target.closest("dialog")) return;
      if (!isRoundEditor(event.target)) inside = isInEditor(event.target);
    };
    const press = (event: KeyboardEvent): void => {
      const nowhere = inside && isRoundEditor(event.target) && document.querySelector("dialog[open]") === null;
      if (!nowhere && !isInEditor(event.target)) return;
      const typing = isTyping(event.target);
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const take = (work: () => void): void => {
        event.preventDefault();
        event.stopPropagation();
        work();
      };
      if (command && key === "s") return take(() => void session.save());
      if (command && key === "z") return take(() => (event.shiftKey ? session.redo() : session.undo()));
      if (command && key === "y") return take(() => session.redo());
      if (command && key === "f") return take(() => session.store.set({ searching: true }));
      if (typing) return;
      if (session.state.connecting?.keyboard) return;
      if (command && key === "a") return take(() => session.select([...session.state.doc.actions, ...session.state.notes].map(({ id }) => id)));
      if (command && key === "d") return take(() => duplicate(session));
      if (command && key === "/") return take(help);
      if (command || event.altKey) {
        const direction = ({ arrowleft: "left", arrowright: "right", arrowup: "up", arrowdown: "down" } as const)[key];
        if (event.altKey && direction) take(() => walk(session, flow, direction));
        return;
      }
      if (key === "escape") return take(() => escape(session));
      if (key === "?") return take(help);
      // Whoever types at a button of the menus does not mean the stage.
      if ((event.target as HTMLElement).closest(".sidebar, .toolbar, .dock") !== null) return;
      const onButton = (event.target as HTMLElement).closest("button, a, [role=option]") !== null;
      if (key === "delete" || key === "backspace") return take(() => removeSelected(session));
      if (key === "a") return take(() => addBeside(session, flow));
      if (key === "n") return take(() => addNote(session, flow));
      if (key === "c") return take(() => startLine(session));
      if (key === "f2") return take(() => rename(session));
      if (key === "enter" && !onButton) return take(() => focusDetail(session, event.target as HTMLElement));
    };
    document.addEventListener("pointerdown", notice, true);
    document.addEventListener("focusin", notice);
    document.addEventListener("keydown", press);
    return () => {
      document.removeEventListener("pointerdown", notice, true);
      document.removeEventListener("focusin", notice);
      document.removeEventListener("keydown", press);
    };
  }, [session, flow, help]);
}

function isRoundEditor(target: EventTarget | null): boolean {
  return target instanceof Element && target.querySelector(".editor") !== null;
}

/** A dialog over the editor has keys of its own. */
function isInEditor(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(".editor") !== null && target.closest("dialog") === null;
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable=true]") !== null;
}

function only(session: EditorSession): string | null {
  const [id, ...more] = session.state.selected;
  return id !== undefined && more.length === 0 ? id : null;
}

function removeSelected(session: EditorSession): void {
  const { line, doc, selected } = session.state;
  const found = line === null ? undefined : edit.linesOf(doc).find((l) => edit.lineId(l) === line);
  if (found) session.disconnect(found);
  else session.remove(selected);
}

function escape(session: EditorSession): void {
  if (session.state.connecting) session.store.set({ connecting: null });
  else if (session.state.proposal) session.store.set({ proposal: null });
  else if (session.state.searching) session.store.set({ searching: false });
  else session.select([]);
}

/** Opens the Explorer for a block to the right of the selected one, joined to its first free output. */
export function addBeside(session: EditorSession, flow: ReturnType<typeof useReactFlow>): void {
  const id = only(session);
  const action = id === null ? undefined : edit.actionOf(session.state.doc, id);
  if (!action) {
    const at = middleOf(flow);
    session.store.set({ explorer: { kind: "add", at: [at.x - 125, at.y - 50], from: null, line: null } });
    return;
  }
  const free = session.catalogue.ports(action.type).find((port) => !action.ports?.[port]) ?? null;
  const known = session.catalogue.block(action.type) !== undefined;
  session.store.set({
    explorer: { kind: "add", at: placeBeside(session, action.id), from: known && free !== null ? { id: action.id, port: free } : null, line: null },
  });
}

function middleOf(flow: ReturnType<typeof useReactFlow>): { x: number; y: number } {
  const stage = document.querySelector(".stage")?.getBoundingClientRect();
  return flow.screenToFlowPosition({ x: (stage?.left ?? 0) + (stage?.width ?? 800) / 2, y: (stage?.top ?? 0) + (stage?.height ?? 600) / 2 });
}

/** A note above the selected block, else in the middle of what is seen; above what stands there already. */
export function addNote(session: EditorSession, flow: ReturnType<typeof useReactFlow>): void {
  const id = only(session);
  const action = id === null ? undefined : edit.actionOf(session.state.doc, id);
  const middle = middleOf(flow);
  const [x, y] = action ? edit.positionOf(action) : [middle.x - NOTE.width / 2, middle.y + 80];
  const at = freePlace(session, [x, y - 128]);
  session.addNote(at);
  const stage = document.querySelector(".stage")?.getBoundingClientRect();
  const corner = flow.flowToScreenPosition({ x: at[0], y: at[1] });
  const seen = stage && corner.x > stage.left && corner.x < stage.right && corner.y > stage.top && corner.y < stage.bottom;
  if (!seen) void flow.setCenter(at[0] + NOTE.width / 2, at[1] + NOTE.height / 2, { zoom: flow.getZoom(), duration: 160 });
}

function freePlace(session: EditorSession, from: edit.Point): edit.Point {
  const { doc, notes } = session.state;
  const taken = [...doc.actions.map((action) => boxOf(session.catalogue, action)), ...notes.map(({ position: [x, y] }) => ({ x, y, ...NOTE }))];
  const meets = ([x, y]: edit.Point): boolean => taken.some((box) => x < box.x + box.width && box.x < x + NOTE.width && y < box.y + box.height && box.y < y + NOTE.height);
  let at = from;
  while (meets(at)) at = [at[0], at[1] - edit.GRID * 2];
  return at;
}

export function placeBeside(session: EditorSession, id: string): edit.Point {
  const action = edit.actionOf(session.state.doc, id);
  if (!action) return [0, 0];
  const [x, y] = edit.positionOf(action);
  const width = session.catalogue.block(action.type)?.shape === "circle" ? 100 : 250;
  let at: edit.Point = [x + width + 86, y];
  const taken = (p: edit.Point): boolean =>
    session.state.doc.actions.some((other) => Math.abs(edit.positionOf(other)[0] - p[0]) < 240 && Math.abs(edit.positionOf(other)[1] - p[1]) < 110);
  while (taken(at)) at = [at[0], at[1] + 144];
  return at;
}

function startLine(session: EditorSession): void {
  const id = only(session);
  const action = id === null ? undefined : edit.actionOf(session.state.doc, id);
  if (!action) {
    toast(text.editor.selectFirst);
    return;
  }
  const ports = session.catalogue.block(action.type)?.ports ?? [];
  const port = ports.find((p) => !action.ports?.[p]) ?? ports[0];
  if (port === undefined) {
    toast(text.editor.noOutput, "warn");
    return;
  }
  session.store.set({ connecting: { end: { id: action.id, port }, hover: null, keyboard: true } });
}

function rename(session: EditorSession): void {
  const id = only(session);
  if (id !== null) session.store.set({ naming: id });
}

function focusDetail(session: EditorSession, target: HTMLElement): void {
  const node = target.closest<HTMLElement>(".react-flow__node")?.dataset["id"];
  if (node !== undefined && only(session) !== node) session.select([node]);
  if (session.state.notes.some((note) => note.id === node)) {
    rename(session);
    return;
  }
  requestAnimationFrame(() => document.querySelector<HTMLElement>(".sidebar [data-first]")?.focus());
}

function walk(session: EditorSession, flow: ReturnType<typeof useReactFlow>, direction: "left" | "right" | "up" | "down"): void {
  const from = only(session) ?? session.state.doc.actions[0]?.id;
  const next = from === undefined ? null : neighbour(session.state.doc, from, direction);
  if (next) goTo(session, flow, next.id);
}

/** Selects a block, brings it into view and gives it the focus. */
export function goTo(session: EditorSession, flow: ReturnType<typeof useReactFlow>, id: string): void {
  session.select([id]);
  const node = flow.getNode(id);
  if (!node) return;
  const width = node.width ?? 250;
  const height = node.height ?? 100;
  void flow.setCenter(node.position.x + width / 2, node.position.y + height / 2, { zoom: Math.max(flow.getZoom(), 0.7), duration: 180 });
  document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
}

function duplicate(session: EditorSession): void {
  const { doc, selected } = session.state;
  const pasted = edit.paste(doc, doc.actions.filter((a) => selected.has(a.id)), [32, 32]);
  if (pasted.ids.length === 0) return;
  session.apply(pasted.doc, text.editor.steps.paste(pasted.ids.length));
  session.select(pasted.ids);
}

function useClipboard(session: EditorSession): void {
  useEffect(() => {
    const outside = (event: ClipboardEvent): boolean =>
      isTyping(event.target) || document.querySelector("dialog[open]") !== null || (window.getSelection()?.toString() ?? "") !== "";
    const copy = (event: ClipboardEvent): void => {
      // Notes stay where they are: what travels is a flow.
      const blocks = new Set(session.state.doc.actions.map(({ id }) => id).filter((id) => session.state.selected.has(id)));
      if (outside(event) || blocks.size === 0) return;
      event.clipboardData?.setData("text/plain", copyText(session.state.doc, blocks));
      event.preventDefault();
      if (event.type === "cut") session.remove(blocks);
      else toast(text.editor.copied(blocks.size));
    };
    const paste = (event: ClipboardEvent): void => {
      if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
      const actions = readCopied(event.clipboardData?.getData("text/plain") ?? "");
      if (!actions) return;
      event.preventDefault();
      const pasted = edit.paste(session.state.doc, actions, [32, 32]);
      if (pasted.ids.length === 0) return;
      session.apply(pasted.doc, text.editor.steps.paste(pasted.ids.length));
      session.select(pasted.ids);
    };
    document.addEventListener("copy", copy);
    document.addEventListener("cut", copy);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("copy", copy);
      document.removeEventListener("cut", copy);
      document.removeEventListener("paste", paste);
    };
  }, [session]);
}
