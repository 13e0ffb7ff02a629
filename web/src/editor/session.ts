import { api } from "../api/client";
import { onConnection, connection } from "../api/connection";
import { asProblem } from "../api/problem";
import type { BlockSpec, Diagnostic, Flow, FlowDocument, FlowFields, Json, Outcome, Run } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { sameDocument, type Change } from "../flow/diff";
import * as edit from "../flow/document";
import type { Line, Point } from "../flow/document";
import { begin, record, redo, seal, undo, type History } from "../flow/history";
import { judge, type End, type Verdict } from "../flow/rules";
import { text } from "../text/en";
import { Store } from "../ui/store";
import { toast } from "../ui/toast";
import { dropDraft, keepDraft, readDraft, type Draft } from "./draft";

export type Panel = "problems" | "test" | "outline" | "versions" | "code";

/** What the Explorer was opened for. */
export type Explorer =
  | { kind: "add"; at: Point; from: End | null; line: Line | null }
  | { kind: "change"; id: string };

export interface EditorState {
  history: History<FlowDocument>;
  doc: FlowDocument;
  selected: ReadonlySet<string>;
  line: string | null;
  /** A line being drawn by clicks or keys; `hover` is the block the keys point at. */
  connecting: { end: End; hover: string | null; keyboard: boolean } | null;
  naming: string | null;
  explorer: Explorer | null;
  /** The dialog of an upload, with the file that was dropped. */
  importing: File | "ask" | null;
  panel: Panel | null;
  searching: boolean;
  diagnostics: Diagnostic[];
  checking: "idle" | "busy" | "offline";
  saved: FlowDocument;
  flow: Flow;
  saving: boolean;
  dirty: boolean;
  /** What someone else saved meanwhile. */
  conflict: Flow | null;
  restored: Draft | null;
  /** The run shown on the stage, and up to which step of its trace. */
  run: Run | null;
  shownSteps: number | null;
  breakpoints: ReadonlySet<string>;
  pinned: Readonly<Record<string, Outcome>>;
  samples: Readonly<Record<string, Json>>;
  preview: ReadonlyMap<string, Change> | null;
}

const NOTHING: ReadonlySet<string> = new Set();

/** One open flow: its document with undo, what is selected, and the server's view of it. */
export class EditorSession {
  readonly store: Store<EditorState>;
  readonly #ends: (() => void)[] = [];
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  #checkAbort: AbortController | null = null;
  #saveWhenOnline = false;
  #dropOffer: () => void = () => undefined;

  constructor(
    readonly catalogue: Catalogue,
    flow: Flow,
  ) {
    const saved = flow.document ?? edit.emptyDocument();
    const draft = readDraft(flow.id);
    const useful = draft !== null && !sameDocument(draft.document, saved) ? draft : null;
    const doc = useful?.document ?? saved;
    this.store = new Store<EditorState>({
      history: begin(doc),
      doc,
      selected: NOTHING,
      line: null,
      connecting: null,
      naming: null,
      explorer: null,
      importing: null,
      panel: null,
      searching: false,
      diagnostics: [],
      checking: "idle",
      saved,
      flow: useful ? { ...flow, draftVersion: useful.baseVersion } : flow,
      saving: false,
      dirty: useful !== null,
      conflict: useful && useful.baseVersion < flow.draftVersion ? flow : null,
      restored: useful,
      run: null,
      shownSteps: null,
      breakpoints: NOTHING,
      pinned: {},
      samples: {},
      preview: null,
    });
    if (draft && !useful) dropDraft(flow.id);
  }

  /** Begins to check and to watch the line; returns its end. */
  open(): () => void {
    this.check(0);
    this.#ends.push(
      onConnection(() => {
        if (connection() !== "online") return;
        if (this.state.checking === "offline") this.check(0);
        if (this.#saveWhenOnline) void this.save();
      }),
    );
    return () => {
      clearTimeout(this.#checkTimer);
      this.#checkAbort?.abort();
      this.#dropOffer();
      this.#ends.splice(0).forEach((end) => end());
    };
  }

  get state(): EditorState {
    return this.store.get();
  }

  // ── edits ──

  /** Every change of the document passes here: it is one step of undo, kept in the browser and checked. */
  apply(doc: FlowDocument, label: string, group: string | null = null): void {
    this.#show(record(this.state.history, doc, label, group));
  }

  #show(history: History<FlowDocument>): void {
    if (history === this.state.history) return;
    this.#dropOffer();
    const doc = history.present;
    const ids = new Set(doc.actions.map((action) => action.id));
    const selected = [...this.state.selected].every((id) => ids.has(id)) ? this.state.selected : new Set([...this.state.selected].filter((id) => ids.has(id)));
    const dirty = !sameDocument(doc, this.state.saved);
    this.store.set({ history, doc, selected, dirty });
    if (dirty) keepDraft(this.state.flow.id, { document: doc, baseVersion: this.state.flow.draftVersion, at: Date.now() });
    else dropDraft(this.state.flow.id);
    this.check(350);
  }

  seal(): void {
    const history = seal(this.state.history);
    if (history !== this.state.history) this.store.set({ history });
  }

  undo(): void {
    this.#show(undo(this.state.history));
  }

  redo(): void {
    this.#show(redo(this.state.history));
  }

  /** Says what was done and offers to take it back, until something else is done. */
  offerUndo(message: string): void {
    this.#dropOffer = toast(message, "plain", { label: text.common.undo, run: () => this.undo() });
  }

  add(block: BlockSpec, at: Point): string {
    const added = edit.addAction(this.state.doc, block, edit.snap(at));
    this.apply(added.doc, text.editor.steps.add(block.title));
    this.select([added.id]);
    return added.id;
  }

  remove(ids: ReadonlySet<string>): void {
    if (ids.size === 0) return;
    this.apply(edit.removeActions(this.state.doc, new Set(ids)), text.editor.steps.remove(ids.size));
    this.store.set({ selected: NOTHING });
  }

  disconnect(line: Line): void {
    this.apply(edit.disconnect(this.state.doc, line.from, line.port), text.editor.steps.disconnect);
    this.store.set({ line: null });
  }

  judge(a: End, b: End): Verdict {
    return judge(this.state.doc, this.catalogue, a, b);
  }

  /** Joins two sockets or says why not. */
  connect(a: End, b: End): boolean {
    const verdict = this.judge(a, b);
    if (!verdict.ok) {
      if (verdict.why !== "same") toast(text.editor.refusals[verdict.why], "warn");
      return false;
    }
    this.apply(edit.connect(this.state.doc, { from: verdict.from, port: verdict.port, to: verdict.to }), text.editor.steps.connect);
    if (verdict.replaces !== null) this.offerUndo(text.editor.replaced);
    return true;
  }

  /** A socket was clicked: begins a line, or ends the one being drawn. */
  clickSocket(end: End): void {
    const drawing = this.state.connecting;
    if (!drawing) {
      this.store.set({ connecting: { end, hover: null, keyboard: false } });
      return;
    }
    if (drawing.end.id === end.id && drawing.end.port === end.port) {
      this.store.set({ connecting: null });
      return;
    }
    if (this.connect(drawing.end, end)) this.store.set({ connecting: null });
  }

  choose(block: BlockSpec): void {
    const { explorer, doc } = this.state;
    if (!explorer) return;
    this.store.set({ explorer: null });
    if (explorer.kind === "change") {
      const old = edit.actionOf(doc, explorer.id);
      if (old) this.apply(edit.changeType(doc, explorer.id, block, this.catalogue.block(old.type)), text.editor.steps.change(block.title));
      return;
    }
    const at = edit.snap(explorer.at);
    if (explorer.line) {
      const inserted = edit.insertOnLine(doc, explorer.line, block, at);
      this.apply(inserted.doc, text.editor.steps.add(block.title));
      this.select([inserted.id]);
      return;
    }
    const added = edit.addAction(doc, block, at);
    const verdict = explorer.from ? judge(added.doc, this.catalogue, explorer.from, explorer.from.port === null ? { id: added.id, port: block.ports[0] ?? "" } : { id: added.id, port: null }) : null;
    const joined = verdict?.ok ? edit.connect(added.doc, verdict) : added.doc;
    this.apply(joined, text.editor.steps.add(block.title));
    this.select([added.id]);
  }

  select(ids: Iterable<string>): void {
    this.seal();
    this.store.set({ selected: new Set(ids), line: null });
  }

  // ── the server ──

  check(delay: number): void {
    clearTimeout(this.#checkTimer);
    this.#checkTimer = setTimeout(() => void this.#checkNow(), delay);
  }

  async #checkNow(): Promise<void> {
    this.#checkAbort?.abort();
    const abort = new AbortController();
    this.#checkAbort = abort;
    const { doc, flow } = this.state;
    this.store.set({ checking: "busy" });
    try {
      const diagnostics = await api.check({ document: doc, source: flow.source, event: flow.event, flowId: flow.id }, abort.signal);
      if (!abort.signal.aborted) this.store.set({ diagnostics, checking: "idle" });
    } catch (error) {
      if (!abort.signal.aborted) this.store.set({ checking: asProblem(error).offline ? "offline" : "idle" });
    }
  }

  /** Saves a version. A cut line is remembered: the save follows by itself when the server answers again. */
  async save(note?: string): Promise<boolean> {
    const { doc, flow, saving } = this.state;
    if (saving) return false;
    this.store.set({ saving: true });
    try {
      const next = await api.saveFlow(flow.id, { ...fieldsOf(flow), document: doc, baseVersion: flow.draftVersion, ...(note ? { note } : {}) });
      this.#saveWhenOnline = false;
      this.#took(next, doc);
      toast(text.editor.savedAs(next.draftVersion), "good");
      return true;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 409) {
        // The refusal names the newer version; its content is asked for.
        this.store.set({ conflict: await api.flow(flow.id).catch(() => null) });
      } else if (problem.offline) {
        this.#saveWhenOnline = true;
        toast(text.editor.saveOffline, "warn");
      } else {
        toast([problem.title, problem.detail].filter(Boolean).join(": "), "bad");
      }
      return false;
    } finally {
      this.store.set({ saving: false });
    }
  }

  /** Saves the record's fields over the last saved document; the stage keeps its unsaved changes. */
  async saveFields(fields: FlowFields): Promise<Flow> {
    const { flow, saved } = this.state;
    // A record whose text is no flow keeps that text.
    const content = flow.document === null && flow.raw ? { raw: flow.raw } : { document: saved };
    const next = await api.saveFlow(flow.id, { ...fields, ...content, baseVersion: flow.draftVersion });
    this.#took(next, saved);
    return next;
  }

  #took(next: Flow, saved: FlowDocument): void {
    const dirty = !sameDocument(this.state.doc, saved);
    if (!dirty) dropDraft(next.id);
    this.store.set({ flow: { ...this.state.flow, ...next }, saved, dirty, conflict: null, restored: null });
    this.check(0);
  }

  /** The other person's version becomes the stage; ours stays one undo away. */
  takeTheirs(theirs: Flow): void {
    const doc = theirs.document ?? edit.emptyDocument();
    this.store.set({ flow: theirs, saved: doc, conflict: null, restored: null });
    this.apply(doc, text.editor.steps.theirs);
    dropDraft(theirs.id);
    this.store.set({ dirty: false });
  }

  /** Ours stays on the stage and may be saved over theirs; the record's fields, which are saved at once, are theirs. */
  keepOurs(theirs: Flow): void {
    this.store.set({ flow: theirs, saved: theirs.document ?? this.state.saved, conflict: null, restored: null, dirty: true });
    keepDraft(theirs.id, { document: this.state.doc, baseVersion: theirs.draftVersion, at: Date.now() });
  }

  /** What both made becomes the stage, to be saved as the next version; undo gives ours alone. */
  takeMerged(theirs: Flow, doc: FlowDocument): void {
    this.keepOurs(theirs);
    this.apply(doc, text.editor.steps.merge);
    this.offerUndo(text.merge.done);
  }

  flowChanged(next: Flow): void {
    this.store.set({ flow: { ...this.state.flow, ...next } });
  }

  discardDraft(): void {
    this.store.set({ restored: null });
    this.apply(this.state.saved, text.editor.steps.discard);
  }

  // ── runs ──

  showRun(run: Run | null, steps: number | null = null): void {
    const samples = run ? Object.fromEntries(Object.entries(run.actions).map(([id, kept]) => [id, kept.results ?? null])) : {};
    this.store.set({ run, shownSteps: steps, samples: { ...this.state.samples, ...samples } });
  }

  toggleBreakpoint(id: string): void {
    const next = new Set(this.state.breakpoints);
    if (!next.delete(id)) next.add(id);
    this.store.set({ breakpoints: next });
  }

  pin(id: string, outcome: Outcome | null): void {
    const { [id]: _old, ...rest } = this.state.pinned;
    this.store.set({ pinned: outcome ? { ...rest, [id]: outcome } : rest });
  }
}

export function fieldsOf(flow: Flow): FlowFields {
  const { name, adapter, source, event, description, order, debug } = flow;
  return { name, adapter, source, event, description, order, debug };
}
