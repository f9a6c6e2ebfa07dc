import { useMediaQuery } from "@mantine/hooks";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Platform } from "../../components/Platform";
import { StateMark } from "../../components/State";
import { labelOf, platformsOf } from "../../lib/posts";
import type { Acts } from "./Chip";
import classes from "./calendar.module.css";
import type { CalendarPost } from "./data";
import { clockOf, formatDay, type Day } from "./days";

type Row = { day: Day; count: number } | { post: CalendarPost };

const Heading = memo(function Heading({ day, count, now }: { day: Day; count: number; now: Day }) {
  const { t } = useTranslation("calendar");
  return (
    <div className={classes.heading}>
      <h3 style={{ font: "inherit", margin: 0 }}>{formatDay(day, { weekday: "long", day: "numeric", month: "long" })}</h3>
      <span>
        {day === now && `${t("today")} · `}
        {count}
      </span>
    </div>
  );
});

/** A post as a line: all of it opens the post. */
const PostLine = memo(function PostLine({ post, open }: { post: CalendarPost; open: Acts["open"] }) {
  const { t: common } = useTranslation();
  return (
    <button type="button" className={classes.post} onClick={() => open(post)}>
      <span>{clockOf(post.scheduled_local)}</span>
      <span className={classes.state}>
        <StateMark state={post.state} bare />
        {common(`state.${post.state}`)}
      </span>
      <span className={classes.marks}>
        {platformsOf(post).map((platform) => (
          <Platform key={platform} platform={platform} />
        ))}
      </span>
      <span className={classes.text}>{labelOf(post)}</span>
    </button>
  );
});

/** Posts under their days. Only those in sight are there, however many there are. */
export function List({ posts, now, open, label }: { posts: Map<Day, CalendarPost[]>; now: Day; open: Acts["open"]; label: string }) {
  const small = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const rows = useMemo(() => [...posts].sort(([a], [b]) => a.localeCompare(b)).flatMap(([day, all]): Row[] => [{ day, count: all.length }, ...all.map((post) => ({ post }))]), [posts]);
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const height = small ? 60 : 44;
  const virtual = useWindowVirtualizer({ count: rows.length, estimateSize: (index) => ("day" in rows[index]! ? 32 : height), overscan: 6, scrollMargin: top });
  return (
    <div ref={list} role="list" aria-label={label} className={classes.list} style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start, size }) => {
        const row = rows[index]!;
        return (
          <div key={"day" in row ? row.day : row.post.id} role="listitem" aria-setsize={rows.length} aria-posinset={index + 1} className={classes.row} style={{ height: size, transform: `translateY(${start - top}px)` }}>
            {"day" in row ? <Heading day={row.day} count={row.count} now={now} /> : <PostLine post={row.post} open={open} />}
          </div>
        );
      })}
    </div>
  );
}
