// One value of a cluster over time. Lowest, highest and last value are texts; the pointer or the arrow keys show any
// point.
import { useId, useState, type PointerEvent, type ReactNode } from "react";
import { absolute } from "../../format/time";
import { HEIGHT, lines, nearest, nextKnown, topOf, WIDTH, x, y, type Series, type Span } from "./chartLines";

interface Props {
  title: string;
  series: Series;
  span: Span;
  format: (value: number) => string;
  /** The largest possible value; without it the chart is scaled to the values shown. */
  top?: number;
  note?: string | null;
}

export function Chart({ title, series, span, format, top, note = null }: Props): ReactNode {
  const [picked, setPicked] = useState<number | null>(null);
  const id = useId();
  const known = series.values.filter((value) => value !== null);
  const last = series.values.findLastIndex((value) => value !== null);
  if (known.length === 0 || last === -1) {
    return (
      <figure className="chart">
        <figcaption className="chart__title">{title}</figcaption>
        <p className="u-text--muted">No data for this period</p>
      </figure>
    );
  }
  const height = top ?? topOf(series.values);
  const shown = picked !== null && (series.values[picked] ?? null) !== null ? picked : last;
  const value = series.values[shown] ?? 0;
  const time = series.at[shown] ?? 0;
  const valueText = `${format(value)}, ${absolute(time * 1000)}`;
  const follow = (event: PointerEvent): void => {
    const box = event.currentTarget.getBoundingClientRect();
    setPicked(nearest(series, span, (event.clientX - box.left) / box.width));
  };
  return (
    <figure className="chart">
      <figcaption className="chart__title" id={id}>
        {title} <b>{format(value)}</b>
        {picked !== null && <small className="u-text--muted"> {absolute(time * 1000)}</small>}
        {picked === null && note !== null && <small>, {note}</small>}
      </figcaption>
      <div
        className="chart__box"
        onPointerMove={follow}
        onPointerLeave={() => {
          setPicked(null);
        }}
      >
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          className="chart__lines"
          aria-hidden="true"
        >
          <path d={lines(series, span, height)} vectorEffect="non-scaling-stroke" />
          {picked !== null && (
            <path
              className="chart__here"
              d={`M${x(time, span)} ${HEIGHT}V${y(value, height)}`}
              vectorEffect="non-scaling-stroke"
            />
          )}
        </svg>
        <input
          type="range"
          className="chart__points"
          aria-labelledby={id}
          aria-valuetext={valueText}
          min={0}
          max={series.at.length - 1}
          value={shown}
          onChange={(event) => {
            const index = Number(event.target.value);
            setPicked(nextKnown(series, index, index < shown ? -1 : 1) ?? shown);
          }}
          onBlur={() => {
            setPicked(null);
          }}
        />
      </div>
      <small className="chart__ends u-text--muted">
        Lowest {format(Math.min(...known))}, highest {format(Math.max(...known))}
      </small>
    </figure>
  );
}
