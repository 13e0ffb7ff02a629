import { useEffect, useState } from "react";

/** How many other tabs of this browser have the same flow open. */
export function usePresence(flowId: string): number {
  const [others, setOthers] = useState(0);
  useEffect(() => {
    if (typeof BroadcastChannel === "undefined") return;
    const channel = new BroadcastChannel(`tieline.editor.${flowId}`);
    const me = crypto.randomUUID();
    const seen = new Set<string>();
    channel.onmessage = (event: MessageEvent<{ kind: "here" | "hello" | "bye"; who: string }>) => {
      const { kind, who } = event.data;
      if (kind === "bye") seen.delete(who);
      else seen.add(who);
      if (kind === "hello") channel.postMessage({ kind: "here", who: me });
      setOthers(seen.size);
    };
    const leave = (): void => channel.postMessage({ kind: "bye", who: me });
    channel.postMessage({ kind: "hello", who: me });
    window.addEventListener("pagehide", leave);
    return () => {
      leave();
      window.removeEventListener("pagehide", leave);
      channel.close();
      setOthers(0);
    };
  }, [flowId]);
  return others;
}
