import { memo, useLayoutEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Chip, GhostChip, type Acts } from "./Chip";
import classes from "./calendar.module.css";
import { clockOf, formatDay, timeOf, type Day } from "./days";
import type { CalendarPost, Ghost } from "./data";
import { Drop } from "./Month";

/** How many posts an hour shows. */
const LINES = 3;

/** The first hour of those in which most people work. */
const MORNING = 8;

const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
const none: never[] = [];

const HourBody = memo(function HourBody({ day, posts, ghosts, current, acts }: { day: Day; posts: CalendarPost[]; ghosts: Ghost[]; current: boolean; acts: Acts }) {
  const { t } = useTranslation("calendar");
  const shown = posts.length > LINES ? posts.slice(0, LINES - 1) : posts;
  const rest = posts.length - shown.length;
  const tabIndex = current ? 0 : -1;
  if (posts.length + ghosts.length === 0) return null;
  return (
    <div className={classes.chips}>
      {shown.map((post) => (
        <Chip key={post.id} post={post} acts={acts} tabIndex={tabIndex} />
      ))}
      {rest > 0 && (
        <button type="button" className={classes.more} tabIndex={tabIndex} onClick={() => acts.openDay(day)} aria-label={t("moreOf", { count: rest, day: formatDay(day, { day: "numeric", month: "long" }) })}>
          {t("more", { count: rest })}
        </button>
      )}
      {posts.length === 0 && ghosts.slice(0, LINES).map((ghost) => <GhostChip key={ghost.key} ghost={ghost} acts={acts} tabIndex={tabIndex} />)}
    </div>
  );
});

/** What is in each hour: keys are as 2030-01-31T09. */
function byHour<T>(days: Map<Day, T[]>, local: (item: T) => string): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const items of days.values())
    for (const item of items) {
      const key = local(item).slice(0, 13);
      const there = map.get(key);
      if (there === undefined) map.set(key, [item]);
      else there.push(item);
    }
  return map;
}

/** A week, hour under hour. */
export const Week = memo(function Week({ days, current, now, time, posts, ghosts, acts, label }: { days: Day[]; current: Day; now: Day; time: string; posts: Map<Day, CalendarPost[]>; ghosts: Map<Day, Ghost[]>; acts: Acts; label: string }) {
  const { t } = useTranslation("calendar");
  const { write } = acts;
  const inHours = useMemo(() => byHour(posts, (post) => post.scheduled_local), [posts]);
  const ghostsInHours = useMemo(() => byHour(ghosts, (ghost) => ghost.local), [ghosts]);
  const grid = useRef<HTMLDivElement>(null);
  const first = useRef(days.includes(now) ? Math.min(MORNING, Number(timeOf(time).slice(0, 2))) : MORNING);
  // It opens at the morning, or at now where that is earlier, as little goes out at night.
  useLayoutEffect(() => {
    const [head, ...rows] = grid.current?.children ?? [];
    const row = rows[first.current];
    if (head instanceof HTMLElement && row instanceof HTMLElement) grid.current?.scrollTo({ top: row.offsetTop - head.offsetHeight, behavior: "instant" });
  }, []);
  return (
    <div ref={grid} role="grid" aria-label={label} className={`${classes.grid} ${classes.day}`}>
      <div role="row" className={classes.hours}>
        <div role="columnheader" className={classes.head}>
          <span style={{ position: "absolute", clipPath: "inset(50%)" }}>{t("hours")}</span>
        </div>
        {days.map((day) => (
          <div key={day} role="columnheader" className={`${classes.head} ${day === now ? classes.today : ""}`} aria-current={day === now ? "date" : undefined}>
            {formatDay(day, { weekday: "short" })}{" "}
            <button
              type="button"
              id={`day-${day}`}
              className={classes.number}
              tabIndex={day === current ? 0 : -1}
              onClick={() => acts.openDay(day)}
              aria-label={t("day", { day: formatDay(day, { weekday: "long", day: "numeric", month: "long" }), count: posts.get(day)?.length ?? 0 })}
            >
              {Number(day.slice(8))}
            </button>
          </div>
        ))}
      </div>
      {hours.map((hour) => (
        <div key={hour} role="row" className={classes.hours}>
          <div role="rowheader" className={classes.hour}>
            {clockOf(`${now}T${hour}:00`, { hour: "numeric" })}
          </div>
          {days.map((day) => {
            const key = `${day}T${hour}`;
            const past = key < `${now}T${timeOf(time).slice(0, 2)}`;
            return (
              <Drop key={key} id={key} write={write === undefined || past ? undefined : () => write(day, `${hour}:00`)}>
                <HourBody day={day} posts={inHours.get(key) ?? none} ghosts={ghostsInHours.get(key) ?? none} current={day === current} acts={acts} />
              </Drop>
            );
          })}
        </div>
      ))}
    </div>
  );
});
