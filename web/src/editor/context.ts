import { createContext, useContext } from "react";
import { usePick } from "../ui/store";
import type { EditorSession, EditorState } from "./session";

export const SessionContext = createContext<EditorSession | null>(null);

export function useSession(): EditorSession {
  const session = useContext(SessionContext);
  if (!session) throw new Error("the editor's parts stand inside its session");
  return session;
}

export function useEditor<T>(pick: (state: EditorState) => T): T {
  return usePick(useSession().store, pick);
}
