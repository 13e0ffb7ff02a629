import { useReactFlow } from "@xyflow/react";
import { text } from "../text/en";
import { IconButton } from "../ui/Button";
import { FIT } from "./view";

export function StageControls() {
  const flow = useReactFlow();
  return (
    <>
      <div className="stage-corner top">
        <IconButton icon="minus" label={text.editor.zoomOut} onClick={() => void flow.zoomOut({ duration: 120 })} />
        <IconButton icon="fit" label={text.editor.fit} onClick={() => void flow.fitView({ ...FIT, duration: 160 })} />
      </div>
      <div className="stage-corner bottom">
        <IconButton icon="plus" label={text.editor.zoomIn} onClick={() => void flow.zoomIn({ duration: 120 })} />
      </div>
    </>
  );
}
