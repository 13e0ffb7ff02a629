import { useState } from "react";
import { api } from "../api/client";
import type { Template } from "../api/types";
import { go } from "../app/router";
import type { Catalogue } from "../flow/catalogue";
import { text } from "../text/en";
import { Dialog } from "../ui/Dialog";
import { Empty, ProblemView } from "../ui/states";
import { useLoad } from "../ui/useLoad";
import { FlowForm } from "./FlowForm";
import { Picture } from "./Picture";

const T = text.templates;

export function TemplateGallery({ catalogue, onClose }: { catalogue: Catalogue; onClose: () => void }) {
  const loaded = useLoad("templates", () => api.templates());
  const [chosen, setChosen] = useState<Template | null>(null);
  if (chosen) {
    const { name, description, source, event } = chosen;
    return (
      <FlowForm
        catalogue={catalogue}
        document={chosen.document}
        preset={{ name, description, source, event }}
        onClose={() => setChosen(null)}
        onDone={(flow) => go(["flows", flow.id])}
      />
    );
  }
  return (
    <Dialog title={T.title} onClose={onClose} wide>
      {loaded.state === "failed" ? (
        <ProblemView problem={loaded.problem} again={loaded.again} />
      ) : loaded.state === "loading" ? (
        <div className="gallery" aria-busy="true">
          {[0, 1, 2].map((n) => (
            <div key={n} className="skeleton" style={{ height: 240 }} />
          ))}
        </div>
      ) : loaded.value.length === 0 ? (
        <Empty icon="star" title={T.none} />
      ) : (
        <ul className="gallery">
          {loaded.value.map((template) => (
            <li key={template.id}>
              <button type="button" onClick={() => setChosen(template)}>
                <Picture doc={template.document} catalogue={catalogue} label="" />
                <strong>{template.name}</strong>
                <span className="quiet">{template.description}</span>
                <span className="row">
                  <span className="badge">{catalogue.sourceLabel(template.source)}</span>
                  {template.event && <span className="badge">{template.event}</span>}
                  <span className="faint">{T.blocks(template.document.actions.length)}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
