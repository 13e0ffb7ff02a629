/** The height of a plot in its own units; its width is the number of steps. */
const HIGH = 32;

/** A small plot: where it rises and falls is seen at once, its figure stands beside it in words. */
export function Spark({ values, label, most }: { values: number[]; label: string; most?: number }) {
  if (values.length < 2) return <svg className="spark" viewBox={`0 0 1 ${HIGH}`} aria-hidden="true" />;
  const top = Math.max(most ?? 0, ...values) || 1;
  const place = (value: number, at: number): string => `${at},${(HIGH - 1 - (value / top) * (HIGH - 4)).toFixed(2)}`;
  const line = values.map(place).join(" ");
  const wide = values.length - 1;
  return (
    <svg className="spark" viewBox={`0 0 ${wide} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,${HIGH} ${line} ${wide},${HIGH}`} />
      <polyline points={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
