import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "danger" | "ghost" | undefined;
  icon?: IconName;
  small?: boolean;
  children?: ReactNode;
}

export function Button({ kind, icon, small, children, className, type, ...rest }: Props) {
  const names = ["btn", kind, small && "small", className].filter(Boolean).join(" ");
  return (
    <button type={type ?? "button"} className={names} {...rest}>
      {icon && <Icon name={icon} size={small ? 14 : 16} />}
      {children}
    </button>
  );
}

/** A button of one icon: its name is spoken and shown as a tip. */
export function IconButton({ icon, label, kind = "ghost", small, className, ...rest }: Omit<Props, "children"> & { icon: IconName; label: string }) {
  const names = ["btn icon", kind, small && "small", className].filter(Boolean).join(" ");
  return (
    <button type="button" className={names} aria-label={label} title={label} {...rest}>
      <Icon name={icon} size={small ? 15 : 17} />
    </button>
  );
}
