/** Strokes on a 20-unit grid, drawn for this product. Always beside a name or inside a named control. */
const PATHS = {
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11zM13 13l4 4",
  undo: "M7 4L3.5 7.5L7 11M4 7.5h7a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l3.5 3.5L13 11M16 7.5H9a4.5 4.5 0 0 0 0 9h3",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5",
  save: "M4 4h9l3 3v9H4zM7 4v4h5V4M7 16v-4h6v4",
  download: "M10 3v9M6.5 8.5L10 12l3.5-3.5M4 16h12",
  upload: "M10 13V4M6.5 7.5L10 4l3.5 3.5M4 16h12",
  copy: "M7 7h9v9H7zM4 13V4h9",
  play: "M6 4l10 6l-10 6z",
  stop: "M5 5h10v10H5z",
  step: "M5 4l7 6l-7 6zM15 4v12",
  pause: "M6 4v12M14 4v12",
  check: "M4 10.5l4 4l8-9",
  warn: "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.1",
  error: "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15zM10 6v5M10 13.6v.1",
  info: "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15zM10 9v5M10 6.4v.1",
  chevron: "M7 4l6 6l-6 6",
  down: "M4 7l6 6l6-6",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  flow: "M3 5.5h5v5H3zM12 9.5h5v5h-5zM8 8c2.5 0 1.500 4 4 4",
  desk: "M5 12v-2a5 5 0 0 1 10 0v2M5 11.500h2v4H5zM13 11.500h2v4h-2zM15 15.500c0 1.500-2 2-4 2",
  moon: "M16 12A6.500 6.500 0 0 1 8 4a6.500 6.500 0 1 0 8 8z",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7a3.500 3.500 0 0 0 0-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.500 4.500l1 1M14.500 14.500l1 1M15.500 4.500l-1 1M5.500 14.500l-1 1",
  auto: "M3 4h14v9H3zM8 16.500h4M10 13v3.500",
  history: "M3.500 10A6.500 6.500 0 1 0 6 5M3.500 4v3.500H7M10 6.500V10l2.500 2",
  edit: "M4 16l.8-3.500L13 4.300l2.700 2.700l-8.200 8.200z",
  fit: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  expand: "M12 3h5v5M17 3l-6 6M8 17H3v-5M3 17l6-6",
  shrink: "M16 9h-5V4M11 9l6-6M4 11h5v5M9 11l-6 6",
  layout: "M3 7.500h4v5H3zM13 3h4v5h-4zM13 12h4v5h-4zM7 10h3M13 5.500h-3v9h3",
  note: "M4 4h12v8l-4 4H4zM12 16v-4h4M7 8h6M7 11h3",
  list: "M7 5h10M7 10h10M7 15h10M3 5h.01M3 10h.01M3 15h.01",
  code: "M7 5L2.500 10L7 15M13 5l4.500 5l-4.500 5",
  diff: "M6 3v14M3 6h6M14 3v14M11 14h6",
  keyboard: "M2.500 5h15v10h-15zM5.500 8h.01M8.500 8h.01M11.500 8h.01M14.500 8h.01M6 12h8",
  star: "M10 3l2.100 4.500l4.900.6l-3.600 3.400l.9 4.900L10 14l-4.300 2.400l.9-4.900L3 8.100l4.900-.6z",
  phone: "M4 3.500h3.500L9 7.500L7 9c1 2 2 3 4 4l1.500-2l4 1.500V16c0 1-1 1.500-2 1.500C8.500 17 3 11.500 2.500 5.500c0-1 .5-2 1.500-2z",
  hangup: "M2.500 12c4-4.500 11-4.500 15 0l-2 2.500l-3.500-1.500v-2c-1.500-.6-2.500-.6-4 0v2L4.500 14.500z",
  chat: "M3 4h14v9H9l-4 3.500V13H3z",
  task: "M4 3.500h12v13H4zM7 10l2 2l4-4.500",
  callback: "M4 3.500h3.500L9 7.500L7 9c1 2 2 3 4 4l1.500-2l4 1.500V16c0 1-1 1.500-2 1.500C8.500 17 3 11.500 2.500 5.500c0-1 .5-2 1.500-2zM17 3l-4.500 4.500M12.500 4v3.500H16",
  person: "M10 3.500a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM4 16.500c.5-3.500 3-5 6-5s5.500 1.500 6 5",
  bolt: "M11 2.500L4.500 11H9l-.5 6.500L15 9h-4.500z",
  link: "M8 12l4-4M9 6l2-2a3.500 3.500 0 0 1 5 5l-2 2M11 14l-2 2a3.500 3.500 0 0 1-5-5l2-2",
  plug: "M7 3v4M13 3v4M5 7h10v3a5 5 0 0 1-10 0zM10 15v3",
  browser: "M2.500 4h15v12h-15zM2.500 8h15",
  cloud: "M6 15.500a3.500 3.500 0 0 1-.3-7A4.500 4.500 0 0 1 14.500 8a3.800 3.800 0 0 1 0 7.500z",
  data: "M4 5c0-2.500 12-2.500 12 0v10c0 2.500-12 2.500-12 0zM4 5c0 2.500 12 2.500 12 0M4 10c0 2.500 12 2.500 12 0",
  cog: "M10 7a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM10 2.500v2.500M10 15v2.500M2.500 10H5M15 10h2.500M4.700 4.700l1.800 1.800M13.500 13.500l1.800 1.800M15.300 4.700l-1.800 1.800M6.500 13.500l-1.800 1.800",
  dot: "M10 8a2 2 0 1 0 0 4a2 2 0 0 0 0-4z",
  image: "M3 4h14v12H3zM3 13l4-4l4 4l2.500-2.500L17 14M13 7.500h.01",
  people: "M7.500 4a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5zM2.500 15.500c.3-3 2.200-4.500 5-4.500s4.700 1.500 5 4.500M13 5a2.300 2.300 0 0 1 0 4.500M14 11.500c2 .3 3.300 1.700 3.500 4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
