import {
  applyNodeChanges,
  Background,
  BackgroundVariant,
  MiniMap,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStoreApi,
  type Connection,
  type Edge,
  type FinalConnectionState,
  type Node,
  type NodeChange,
} from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Action, FlowDocument, Note } from "../api/types";
import type { Catalogue } from "../flow/catalogue";
import * as edit from "../flow/document";
import { shapeOf, sizeOf } from "../flow/geometry";
import { moveNotes } from "../flow/notes";
import { routesOf, type Route } from "../flow/routing";
import type { End } from "../flow/rules";
import { readingOrder } from "../flow/walk";
import { text } from "../text/en";
import { toast } from "../ui/toast";
import { BlockNode } from "./BlockNode";
import { useEditor, useSession } from "./context";
import { DrawnLine } from "./DrawnLine";
import { LineEdge, type LineEdgeType } from "./LineEdge";
import { NoteNode } from "./NoteNode";
import { dropTarget } from "./palette";
import { StageControls } from "./StageControls";
import { FIT, useSteadyView } from "./view";

export type BlockNodeType = Node<{ action: Action }, "block">;
export type NoteNodeType = Node<{ note: Note }, "note">;
type StageNode = BlockNodeType | NoteNodeType;

/** From so many blocks on, broken lines are drawn plain: dashes are what a browser paints slowest. */
const MANY = 100;
/** A block with more lines than this drags them straight along, without a way round the others. */
const CROWD = 12;

const NODE_TYPES = { block: BlockNode, note: NoteNode };
const EDGE_TYPES = { line: LineEdge };
const SNAP: [number, number] = [edit.GRID, edit.GRID];

export function Stage() {
  const session = useSession();
  // What is proposed is shown in place of the work, and cannot be edited.
  const proposing = useEditor((s) => s.proposal !== null);
  const doc = useEditor((s) => s.proposal?.doc ?? s.doc);
  const selected = useEditor((s) => s.selected);
  const chosenLine = useEditor((s) => s.line);
  const notes = useEditor((s) => s.proposal?.notes ?? s.notes);
  const noting = useEditor((s) => s.noting);
  const shown = useMemo(() => (noting ? [...notes, noting] : notes), [notes, noting]);
  const [nodes, setNodes] = useState<StageNode[]>(() => nodesOf(doc, shown, session.catalogue, selected, []));
  const flow = useReactFlow();
  const storeApi = useStoreApi();
  useEffect(() => setNodes((old) => nodesOf(doc, shown, session.catalogue, selected, old)), [doc, shown, selected, session]);
  const routes = useRoutes(doc, session.catalogue);
  const edges = useMemo(() => edgesOf(doc, routes, chosenLine), [doc, routes, chosenLine]);
  usePaletteDrops();
  useSteadyView();

  const onNodesChange = useCallback(
    (changes: NodeChange<StageNode>[]) => {
      setNodes((old) => applyNodeChanges(changes, old));
      const moves = new Map<string, edit.Point>();
      let picked: Set<string> | null = null;
      for (const change of changes) {
        if (change.type === "position" && change.position && change.dragging === false) {
          moves.set(change.id, [change.position.x, change.position.y]);
        } else if (change.type === "select") {
          picked ??= new Set(session.state.selected);
          if (change.selected) picked.add(change.id);
          else picked.delete(change.id);
        }
      }
      if (moves.size > 0) {
        const group = `move ${[...moves.keys()].join(" ")}`;
        const { doc: before, notes: beside } = session.state;
        const blocks = before.actions.filter((action) => moves.has(action.id)).length;
        const label = blocks > 0 ? text.editor.steps.move(blocks) : text.editor.steps.moveNote;
        session.applyWork({ doc: blocks > 0 ? edit.moveActions(before, moves) : before, notes: moveNotes(beside, moves) }, label, group);
      }
      if (picked) session.select(picked);
    },
    [session],
  );

  const onConnect = useCallback((c: Connection) => void session.connect({ id: c.source, port: c.sourceHandle ?? "" }, { id: c.target, port: null }), [session]);
  const isValid = useCallback(
    (c: Connection | Edge) => session.judge({ id: c.source, port: c.sourceHandle ?? "" }, { id: c.target, port: null }).ok,
    [session],
  );
  const onConnectEnd = useCallback(
    (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      if (!state.fromHandle || !state.fromNode || state.isValid) return;
      const from = endOf(state.fromNode.id, state.fromHandle);
      if (state.toHandle && state.toNode) {
        session.connect(from, endOf(state.toNode.id, state.toHandle));
        return;
      }
      // A line into the void asks which block should stand there; on a block's body it means its input.
      const point = "changedTouches" in event ? event.changedTouches[0] : event;
      if (!point) return;
      const over = document.elementFromPoint(point.clientX, point.clientY);
      const node = over?.closest<HTMLElement>(".react-flow__node")?.dataset["id"];
      if (node !== undefined) {
        session.connect(from, { id: node, port: null });
        return;
      }
      if (!over?.closest(".react-flow__pane")) return;
      const at = flow.screenToFlowPosition({ x: point.clientX, y: point.clientY });
      session.store.set({ explorer: { kind: "add", at: from.port === null ? [at.x - 250, at.y - 50] : [at.x, at.y - 50], from, line: null } });
    },
    [session, flow],
  );

  const fitOnce = useRef(false);
  return (
    <ReactFlow
      className={doc.actions.length > MANY ? "stage many" : "stage"}
      aria-label={text.editor.stage}
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      onNodesChange={onNodesChange}
      onNodeDragStop={(event, node) => {
        insertWhereDropped(session, node.id, event);
        session.seal();
      }}
      onConnect={onConnect}
      onConnectEnd={onConnectEnd}
      isValidConnection={isValid}
      onEdgeDoubleClick={(_event, edge) => edge.data && session.disconnect(edge.data.line)}
      onEdgeClick={(_event, edge) => {
        session.select([]);
        session.store.set({ line: edge.id });
      }}
      onPaneClick={() => {
        session.select([]);
        session.store.set({ connecting: null, naming: null, noting: null });
      }}
      onNodeDoubleClick={(_event, node) => session.store.set({ naming: node.id })}
      onInit={(instance) => {
        if (fitOnce.current) return;
        fitOnce.current = true;
        requestAnimationFrame(() => showStart(session.state.doc, instance.fitView, storeApi.getState().width));
      }}
      connectOnClick={false}
      nodesDraggable={!proposing}
      nodesConnectable={!proposing}
      connectionLineStyle={{ stroke: "var(--wire)", strokeWidth: 3 }}
      snapToGrid
      snapGrid={SNAP}
      minZoom={0.1}
      maxZoom={2}
      deleteKeyCode={null}
      zoomOnDoubleClick={false}
      selectionMode={SelectionMode.Partial}
      elevateEdgesOnSelect
      nodeDragThreshold={3}
      connectionRadius={28}
      ariaLabelConfig={text.editor.stageAria}
    >
      <Background variant={BackgroundVariant.Lines} gap={edit.GRID * 2} lineWidth={1} color="var(--stage-line)" />
      <DrawnLine />
      <StageControls />
      {doc.actions.length > 20 && <MiniMap className="minimap" pannable zoomable ariaLabel={text.editor.minimap} nodeStrokeWidth={3} />}
    </ReactFlow>
  );
}

/** Small flows are shown whole; of a wide one the beginning is shown, where reading starts. */
function showStart(doc: FlowDocument, fitView: (options: object) => unknown, width: number): void {
  const xs = doc.actions.map((action) => edit.positionOf(action)[0]);
  const span = Math.max(...xs, 0) - Math.min(...xs, 0);
  if (span * 0.45 < width || doc.actions.length < 4) {
    void fitView(FIT);
    return;
  }
  const first = readingOrder(doc).slice(0, 6).map((action) => ({ id: action.id }));
  void fitView({ ...FIT, nodes: first });
}

function endOf(id: string, handle: { id?: string | null; type: string }): End {
  return { id, port: handle.type === "source" ? (handle.id ?? "") : null };
}

/** Keeps a node object whose action did not change, so that React Flow draws only what did. */
function nodesOf(doc: FlowDocument, notes: Note[], catalogue: Catalogue, selected: ReadonlySet<string>, old: StageNode[]): StageNode[] {
  const before = new Map(old.map((node) => [node.id, node]));
  return [...readingOrder(doc).map((action) => blockNode(action, catalogue, selected, before)), ...notes.map((note) => noteNode(note, selected, before))];
}

function blockNode(action: Action, catalogue: Catalogue, selected: ReadonlySet<string>, before: ReadonlyMap<string, StageNode>): BlockNodeType {
  const same = before.get(action.id);
  const kept = same?.type === "block" ? same : undefined;
  const isSelected = selected.has(action.id);
  const [x, y] = edit.positionOf(action);
  if (kept && kept.data.action === action && kept.selected === isSelected && kept.position.x === x && kept.position.y === y) return kept;
  const title = edit.titleOf(catalogue, action);
  const { width, height } = sizeOf(catalogue, action);
  return {
    ...kept,
    id: action.id,
    type: "block",
    position: { x, y },
    width,
    height,
    selected: isSelected,
    data: { action },
    className: `shape-${shapeOf(catalogue, action)}`,
    ariaLabel: text.editor.blockLabel(title, action.id),
  };
}

/** Under blocks and lines; as high as what it says. */
function noteNode(note: Note, selected: ReadonlySet<string>, before: ReadonlyMap<string, StageNode>): NoteNodeType {
  const same = before.get(note.id);
  const kept = same?.type === "note" ? same : undefined;
  const isSelected = selected.has(note.id);
  const [x, y] = note.position;
  if (kept && kept.data.note === note && kept.selected === isSelected && kept.position.x === x && kept.position.y === y) return kept;
  return { ...kept, id: note.id, type: "note", position: { x, y }, selected: isSelected, zIndex: -1, data: { note }, ariaLabel: text.notes.label(note.text) };
}

/** Lines are led anew when a block or a line changed its place, not at every word typed. */
function useRoutes(doc: FlowDocument, catalogue: Catalogue): Map<string, Route> {
  const places = doc.actions.map((action) => [action.id, action.type, edit.positionOf(action), Object.entries(action.ports ?? {})].join(" ")).join("\n");
  return useMemo(() => routesOf(doc, catalogue), [places, catalogue]);
}

function edgesOf(doc: FlowDocument, routes: ReadonlyMap<string, Route>, chosen: string | null): LineEdgeType[] {
  const ids = new Set(doc.actions.map((action) => action.id));
  const lines = edit.linesOf(doc).filter((line) => ids.has(line.to));
  const into = new Map<string, number>();
  for (const line of lines) into.set(line.to, (into.get(line.to) ?? 0) + 1);
  return lines.map((line) => ({
      id: edit.lineId(line),
      type: "line",
      source: line.from,
      sourceHandle: line.port,
      target: line.to,
      targetHandle: "in",
      selected: chosen === edit.lineId(line),
      data: { line, route: routes.get(edit.lineId(line)), crowded: (into.get(line.to) ?? 0) > CROWD },
      ariaLabel: text.editor.lineLabel(line.from, text.ports[line.port] ?? line.port, line.to),
    }));
}

/** A free block dropped on a line is threaded into it. */
function insertWhereDropped(session: ReturnType<typeof useSession>, id: string, event: globalThis.MouseEvent | TouchEvent | React.MouseEvent): void {
  const doc = session.state.doc;
  const action = edit.actionOf(doc, id);
  if (!action || !("clientX" in event)) return;
  const lonely = Object.keys(action.ports ?? {}).length === 0 && !edit.linesOf(doc).some((line) => line.to === id);
  if (!lonely) return;
  const line = lineUnder(event.clientX, event.clientY, doc);
  if (!line || action.type === edit.START) return;
  const port = action.type === edit.END ? undefined : session.catalogue.ports(action.type)[0];
  session.apply(edit.threadThrough(doc, line, id, port), text.editor.steps.insert, `move ${id}`);
  toast(text.editor.inserted);
}

export function lineUnder(x: number, y: number, doc: FlowDocument): edit.Line | null {
  for (const element of document.elementsFromPoint(x, y)) {
    const id = element.closest<HTMLElement>(".react-flow__edge")?.dataset["id"];
    if (id !== undefined) return edit.linesOf(doc).find((line) => edit.lineId(line) === id) ?? null;
  }
  return null;
}

/** Things dragged from the sidebar land here. */
function usePaletteDrops(): void {
  const session = useSession();
  const flow = useReactFlow();
  useEffect(() => {
    dropTarget.current = (item, x, y) => {
      if (!document.elementsFromPoint(x, y).some((element) => element.closest(".stage"))) return;
      const at = flow.screenToFlowPosition({ x, y }, { snapToGrid: false });
      if (item === "block") {
        const line = lineUnder(x, y, session.state.doc);
        session.store.set({ explorer: { kind: "add", at: [at.x - 125, at.y - 50], from: null, line } });
        return;
      }
      const block = session.catalogue.block(item);
      if (block) session.add(block, [at.x - 50, at.y - 50]);
    };
    return () => {
      dropTarget.current = null;
    };
  }, [session, flow]);
}
