import { api } from "../api/client";
import { onConnection, connection } from "../api/connection";
import { asProblem } from "../api/problem";
import type { BlockSpec, Diagnostic, Flow, FlowDocument, FlowFields, Json, Note, Outcome, Run } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import { same } from "../flow/diff";
import * as edit from "../flow/document";
import type { Line, Point } from "../flow/document";
import { boxOf } from "../flow/geometry";
import { begin, record, redo, seal, undo, type History } from "../flow/history";
import { carryNotes, newNote, removeNotes, setNote, workOf, type Work } from "../flow/notes";
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
  history: History<Work>;
  doc: FlowDocument;
  notes: Note[];
  /** Blocks and notes. */
  selected: ReadonlySet<string>;
  line: string | null;
  /** A line being drawn by clicks or keys; `hover` is the block the keys point at. */
  connecting: { end: End; hover: string | null; keyboard: boolean } | null;
  /** The block or note whose text is being written. */
  naming: string | null;
  /** A new note, none of the work until it says something. */
  noting: Note | null;
  explorer: Explorer | null;
  /** The dialog of an upload, with the file that was dropped. */
  importing: File | "ask" | null;
  /** The dialog of what is shared with somebody outside. */
  sharing: boolean;
  panel: Panel | null;
  searching: boolean;
  diagnostics: Diagnostic[];
  checking: "idle" | "busy" | "offline";
  saved: Work;
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
  /** Another arrangement, shown on the stage until it is taken or refused. */
  proposal: Work | null;
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
    const saved = workOf(flow);
    const draft = readDraft(flow.id);
    const kept = draft && { doc: draft.document, notes: draft.notes ?? saved.notes };
    const useful = kept && !sameWork(kept, saved) ? draft : null;
    const work = useful && kept ? kept : saved;
    this.store = new Store<EditorState>({
      history: begin(work),
      ...work,
      selected: NOTHING,
      line: null,
      connecting: null,
      naming: null,
      noting: null,
      explorer: null,
      importing: null,
      sharing: false,
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
      proposal: null,
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

  /** Every change passes here: it is one step of undo, kept in the browser and checked. */
  applyWork(work: Work, label: string, group: string | null = null): void {
    const { doc, notes, history } = this.state;
    if (work.doc !== doc || work.notes !== notes) this.#show(record(history, work, label, group));
  }

  /** A change of the file alone. */
  apply(doc: FlowDocument, label: string, group: string | null = null): void {
    this.applyWork({ doc, notes: this.state.notes }, label, group);
  }

  #show(history: History<Work>): void {
    if (history === this.state.history) return;
    this.#dropOffer();
    const { doc, notes } = history.present;
    const ids = new Set([...doc.actions, ...notes].map(({ id }) => id));
    const selected = [...this.state.selected].every((id) => ids.has(id)) ? this.state.selected : new Set([...this.state.selected].filter((id) => ids.has(id)));
    const dirty = !sameWork(history.present, this.state.saved);
    this.store.set({ history, doc, notes, selected, dirty, proposal: null });
    if (dirty) this.#keepDraft();
    else dropDraft(this.state.flow.id);
    this.check(350);
  }

  #keepDraft(): void {
    const { doc, notes, flow } = this.state;
    keepDraft(flow.id, { document: doc, notes, baseVersion: flow.draftVersion, at: Date.now() });
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
    const { doc, notes } = this.state;
    const rest = removeNotes(notes, ids);
    const some = doc.actions.some((action) => ids.has(action.id));
    const label = some ? text.editor.steps.remove(ids.size - (notes.length - rest.length)) : text.editor.steps.removeNote;
    this.applyWork({ doc: some ? edit.removeActions(doc, new Set(ids)) : doc, notes: rest }, label);
    this.store.set({ selected: NOTHING });
  }

  /** Begins a note; it joins the work when it says something. */
  addNote(at: Point): void {
    const note = newNote(at);
    this.select([]);
    this.store.set({ noting: note, naming: note.id });
  }

  /** Ends the writing of a note; without a text nothing changes. */
  writeNote(note: Note, written: string | null): void {
    if (this.state.naming !== note.id) return;
    this.store.set({ naming: null, noting: null });
    if (written === null || written === note.text) return;
    const { doc, notes } = this.state;
    this.applyWork({ doc, notes: setNote(notes, { ...note, text: written.trimEnd() }) }, text.editor.steps.note);
    if (written.trim() !== "") this.select([note.id]);
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

  /** Shows how the flow would be arranged; whether anything would move. */
  propose(moves: Map<string, Point>): boolean {
    const { doc, notes } = this.state;
    const arranged = edit.moveActions(doc, moves);
    if (arranged.actions.every((action, n) => action === doc.actions[n])) return false;
    const boxes = new Map(doc.actions.map((action) => [action.id, boxOf(this.catalogue, action)]));
    this.select([]);
    this.store.set({ proposal: { doc: arranged, notes: carryNotes(notes, boxes, moves) } });
    return true;
  }

  takeProposal(): void {
    const { proposal } = this.state;
    if (!proposal) return;
    this.applyWork(proposal, text.editor.steps.arrange);
    this.offerUndo(text.editor.arranged);
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
    const { doc, notes, flow, saving } = this.state;
    if (saving) return false;
    this.store.set({ saving: true });
    try {
      const next = await api.saveFlow(flow.id, { ...fieldsOf(flow), document: doc, notes, baseVersion: flow.draftVersion, ...(note ? { note } : {}) });
      this.#saveWhenOnline = false;
      this.#took(next, { doc, notes });
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
    const content = flow.document === null && flow.raw ? { raw: flow.raw } : { document: saved.doc };
    const next = await api.saveFlow(flow.id, { ...fields, ...content, baseVersion: flow.draftVersion });
    this.#took(next, saved);
    return next;
  }

  #took(next: Flow, saved: Work): void {
    const dirty = !sameWork(this.state, saved);
    if (!dirty) dropDraft(next.id);
    this.store.set({ flow: { ...this.state.flow, ...next }, saved, dirty, conflict: null, restored: null });
    this.check(0);
  }

  /** The other person's version becomes the stage; ours stays one undo away. */
  takeTheirs(theirs: Flow): void {
    const work = workOf(theirs);
    this.store.set({ flow: theirs, saved: work, conflict: null, restored: null });
    this.applyWork(work, text.editor.steps.theirs);
    dropDraft(theirs.id);
    this.store.set({ dirty: false });
  }

  /** Ours stays on the stage and may be saved over theirs; the record's fields, which are saved at once, are theirs. */
  keepOurs(theirs: Flow): void {
    this.store.set({ flow: theirs, saved: theirs.document ? workOf(theirs) : this.state.saved, conflict: null, restored: null, dirty: true });
    this.#keepDraft();
  }

  /** What both made becomes the stage, to be saved as the next version; undo gives ours alone. */
  takeMerged(theirs: Flow, merged: Work): void {
    this.keepOurs(theirs);
    this.applyWork(merged, text.editor.steps.merge);
    this.offerUndo(text.merge.done);
  }

  flowChanged(next: Flow): void {
    this.store.set({ flow: { ...this.state.flow, ...next } });
  }

  discardDraft(): void {
    this.store.set({ restored: null });
    this.applyWork(this.state.saved, text.editor.steps.discard);
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

function sameWork(a: Work, b: Work): boolean {
  return same(a.doc, b.doc) && same(a.notes, b.notes);
}

export function fieldsOf(flow: Flow): FlowFields {
  const { name, adapter, source, event, description, order, debug } = flow;
  return { name, adapter, source, event, description, order, debug };
}
