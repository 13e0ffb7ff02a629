/** The height of a plot in its own units; its width is the number of steps. */
const HIGH = 32;

type Point = [at: number, value: number];

/** What is unknown is a gap, and no zero. */
function runs(values: (number | null)[]): Point[][] {
  const found: Point[][] = [];
  let run: Point[] = [];
  values.forEach((value, at) => {
    if (value === null) run = [];
    else {
      if (run.length === 0) found.push(run);
      run.push([at, value]);
    }
  });
  return found;
}

/** A small plot: where it rises and falls is seen at once, its figure stands beside it in words. */
export function Spark({ values, label, most }: { values: (number | null)[]; label: string; most?: number }) {
  if (values.length < 2) return <svg className="spark" viewBox={`0 0 1 ${HIGH}`} aria-hidden="true" />;
  const top = values.reduce<number>((high, value) => Math.max(high, value ?? 0), most ?? 0) || 1;
  const place = ([at, value]: Point): string => `${at},${(HIGH - 1 - (value / top) * (HIGH - 4)).toFixed(2)}`;
  return (
    <svg className="spark" viewBox={`0 0 ${values.length - 1} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {runs(values).map((run) => {
        const [first] = run[0] ?? [0];
        const line = run.map(place).join(" ");
        return (
          <g key={first}>
            <polygon points={`${first},${HIGH} ${line} ${first + run.length - 1},${HIGH}`} />
            <polyline points={line} vectorEffect="non-scaling-stroke" />
          </g>
        );
      })}
    </svg>
  );
}
