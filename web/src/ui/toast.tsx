import { text } from "../text/en";
import { Store, usePick } from "./store";

export interface Toast {
  id: number;
  message: string;
  tone: "plain" | "good" | "warn" | "bad";
  action?: { label: string; run: () => void };
}

const shown = new Store<{ toasts: Toast[] }>({ toasts: [] });
let count = 0;

/** Returns what takes it away before its time. */
export function toast(message: string, tone: Toast["tone"] = "plain", action?: Toast["action"]): () => void {
  count += 1;
  const id = count;
  const others = shown.get().toasts.filter((t) => t.message !== message);
  shown.set({ toasts: [...others.slice(-2), { id, message, tone, ...(action ? { action } : {}) }] });
  setTimeout(() => drop(id), action ? 9000 : tone === "bad" ? 8000 : 4500);
  return () => drop(id);
}

function drop(id: number): void {
  shown.set({ toasts: shown.get().toasts.filter((t) => t.id !== id) });
}

export function Toasts() {
  const toasts = usePick(shown, (state) => state.toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((t) => (
        <div className="toast" key={t.id} data-tone={t.tone}>
          {t.tone !== "plain" && <span className={`badge ${t.tone}`}>{text.tone[t.tone]}</span>}
          <span>{t.message}</span>
          {t.action && (
            <button
              type="button"
              onClick={() => {
                t.action?.run();
                drop(t.id);
              }}
            >
              {t.action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
