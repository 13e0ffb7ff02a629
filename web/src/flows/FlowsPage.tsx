import { useCatalogue } from "../app/catalogue";
import { ProblemView } from "../ui/states";
import { TableSkeleton } from "../ui/Table";
import { FlowList } from "./FlowList";
import { FlowRecord } from "./FlowRecord";
import "./flows.css";

/** `#/flows` the list, `#/flows/<id>` the record, `#/flows/<id>/editor` the editor over the whole window. */
export default function FlowsPage({ rest }: { rest: string[] }) {
  const loaded = useCatalogue();
  if (loaded.state === "failed") return <ProblemView problem={loaded.problem} again={loaded.again} />;
  const catalogue = loaded.value;
  if (!catalogue) {
    return (
      <div className="page" aria-busy="true">
        <TableSkeleton />
      </div>
    );
  }
  const [id, view] = rest;
  if (id === undefined) return <FlowList catalogue={catalogue} />;
  return <FlowRecord key={id} id={id} catalogue={catalogue} full={view === "editor"} />;
}
