import { useEffect } from "react";
import { line, type Sample } from "../api/console";
import { useLoad } from "../ui/useLoad";

/** The last hour of the server, as often as it takes samples; empty until it came. */
export function useSeries(): Sample[] {
  const { value, state, again } = useLoad("series", (signal) => line.series(signal));
  useEffect(() => {
    if (state === "loading") return;
    const timer = setTimeout(() => {
      if (!document.hidden) again();
    }, 10_000);
    document.addEventListener("visibilitychange", again, { once: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again);
    };
  }, [state, again]);
  return value ?? [];
}
