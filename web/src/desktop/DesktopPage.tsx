export default function DesktopPage() {
  return <div className="page" />;
}
