import { useEffect, useState, type CSSProperties } from "react";
import { useCatalogue } from "../app/catalogue";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { ProblemView } from "../ui/states";
import { usePick } from "../ui/store";
import { Console } from "./Console";
import { Drawer } from "./Drawer";
import { EventLog } from "./EventLog";
import { PhonePanel } from "./PhonePanel";
import { SimDesktop } from "./sim";
import "./desktop.css";

// The desktop outlives the view: a call goes on while the agent looks at a flow.
let held: SimDesktop | null = null;

export default function DesktopPage() {
  const loaded = useCatalogue();
  const [desktop] = useState(() => (held ??= new SimDesktop()));
  const question = usePick(desktop.store, (s) => s.question);
  const visible = usePick(desktop.store, (s) => s.panelVisible);
  const width = usePick(desktop.store, (s) => s.panelWidth);
  useEffect(() => {
    document.title = `${text.nav.desktop} · ${text.product}`;
  }, []);
  if (loaded.state === "failed") return <ProblemView problem={loaded.problem} again={loaded.again} />;
  if (!loaded.value) return <div className="page skeleton" style={{ height: 300 }} aria-busy="true" />;
  const end = (agreed: boolean): void => {
    desktop.store.set({ question: null });
    question?.answer?.(agreed);
  };
  return (
    <div className="desktop" style={{ "--phone": `${visible ? width : 0}px` } as CSSProperties}>
      <h1 className="hidden">{text.nav.desktop}</h1>
      {visible ? <PhonePanel desktop={desktop} catalogue={loaded.value} /> : <span />}
      <div className="desktop-centre">
        <Console desktop={desktop} />
        <EventLog desktop={desktop} catalogue={loaded.value} />
      </div>
      <Drawer desktop={desktop} />
      {question && (
        <Dialog
          title={question.title || text.desktop.message}
          onClose={() => end(false)}
          foot={
            <Button kind="primary" data-autofocus="" onClick={() => end(true)}>
              {text.desktop.ok}
            </Button>
          }
        >
          <p style={{ whiteSpace: "pre-wrap" }}>{question.message}</p>
        </Dialog>
      )}
    </div>
  );
}
