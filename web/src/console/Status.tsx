import { consoleText } from "../text/console";
import { Icon, type IconName } from "../ui/Icon";

const LOOK: Record<string, { tone: string; icon: IconName }> = {
  queued: { tone: "", icon: "dot" },
  sending: { tone: "info", icon: "play" },
  retrying: { tone: "warn", icon: "history" },
  in_doubt: { tone: "warn", icon: "warn" },
  succeeded: { tone: "good", icon: "check" },
  failed: { tone: "bad", icon: "error" },
};

/** Where a write stands, by word, colour and sign. */
export function Status({ status }: { status: string }) {
  const { tone, icon } = LOOK[status] ?? { tone: "", icon: "info" as const };
  return (
    <span className={`badge ${tone}`}>
      <Icon name={icon} size={12} /> {consoleText.contacts.status[status] ?? status}
    </span>
  );
}
