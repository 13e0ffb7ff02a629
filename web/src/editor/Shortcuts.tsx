import { text } from "../text/en";
import { Dialog } from "../ui/Dialog";

export default function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={text.editor.shortcuts} onClose={onClose} wide>
      <div className="shortcuts">
        {text.shortcuts.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map(([keys, does]) => (
                <div key={keys}>
                  <dt>
                    {keys.split(" ").map((key) => (
                      <kbd className="kbd" key={key}>
                        {key}
                      </kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
