import { useDroppable } from "@dnd-kit/core";
import { memo, type MouseEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Platform } from "../../components/Platform";
import { inOrder } from "../../lib/posts";
import { Chip, GhostChip, type Acts } from "./Chip";
import classes from "./calendar.module.css";
import type { CalendarPost, Ghost } from "./data";
import { daysFrom, formatDay, type Day } from "./days";

/** How many lines a day has. */
const LINES = 4;

const none: never[] = [];

/** A place where posts can be dropped; empty, a click on it begins a post. */
export function Drop({ id, className = "", write, children, ...rest }: { id: string; className?: string; write?: () => void; children: ReactNode } & Record<`aria-${string}`, string | undefined>) {
  const { setNodeRef, isOver } = useDroppable({ id });
  const onClick = (event: MouseEvent<HTMLElement>) => {
    if (event.target === event.currentTarget) write?.();
  };
  return (
    <div ref={setNodeRef} role="gridcell" className={`${classes.cell} ${className} ${isOver ? classes.over : ""} ${write === undefined ? "" : classes.may}`} onClick={onClick} {...rest}>
      {children}
    </div>
  );
}

/** What a day of the month shows: its first posts, how many more there are, and what is free where there is room. */
const DayBody = memo(function DayBody({ day, posts, ghosts, current, acts }: { day: Day; posts: CalendarPost[]; ghosts: Ghost[]; current: boolean; acts: Acts }) {
  const { t } = useTranslation("calendar");
  const tabIndex = current ? 0 : -1;
  const shown = posts.length > LINES ? posts.slice(0, LINES - 1) : posts;
  const rest = posts.length - shown.length;
  const platforms = [...new Set(inOrder(posts.flatMap((post) => post.platform_posts)).map((one) => one.platform))].slice(0, 2);
  return (
    <>
      <button type="button" id={`day-${day}`} className={classes.number} tabIndex={tabIndex} onClick={() => acts.openDay(day)} aria-label={t("day", { day: formatDay(day, { weekday: "long", day: "numeric", month: "long" }), count: posts.length })}>
        {Number(day.slice(8))}
      </button>
      <div className={classes.chips}>
        {shown.map((post) => (
          <Chip key={post.id} post={post} acts={acts} tabIndex={tabIndex} />
        ))}
        {rest > 0 && (
          <button type="button" className={classes.more} tabIndex={tabIndex} onClick={() => acts.openDay(day)} aria-label={t("moreOf", { count: rest, day: formatDay(day, { day: "numeric", month: "long" }) })}>
            {t("more", { count: rest })}
          </button>
        )}
        {ghosts.slice(0, Math.max(0, LINES - 1 - shown.length)).map((ghost) => (
          <GhostChip key={ghost.key} ghost={ghost} acts={acts} tabIndex={tabIndex} />
        ))}
      </div>
      {posts.length > 0 && (
        <div className={classes.few} aria-hidden>
          {platforms.map((platform) => (
            <Platform key={platform} platform={platform} size={12} />
          ))}
          {posts.length}
        </div>
      )}
    </>
  );
});

/** A month, week under week. One day is `current`: the arrow keys move from it, and its posts are reached with the tab key. */
export const Month = memo(function Month({
  weeks,
  month,
  current,
  now,
  posts,
  ghosts,
  acts,
  label,
}: {
  weeks: Day[];
  /** As 2030-01. */
  month: string;
  current: Day;
  now: Day;
  posts: Map<Day, CalendarPost[]>;
  ghosts: Map<Day, Ghost[]>;
  acts: Acts;
  label: string;
}) {
  const { write } = acts;
  return (
    <div role="grid" aria-label={label} className={`${classes.grid} ${classes.month}`}>
      <div role="row" className={classes.week}>
        {daysFrom(weeks[0]!, 7).map((day) => (
          <div key={day} role="columnheader" className={classes.head}>
            {formatDay(day, { weekday: "short" })}
          </div>
        ))}
      </div>
      {weeks.map((week) => (
        <div key={week} role="row" className={classes.week}>
          {daysFrom(week, 7).map((day) => (
            <Drop key={day} id={day} className={`${day.startsWith(month) ? "" : classes.outside} ${day === now ? classes.today : ""}`} write={write === undefined || day < now ? undefined : () => write(day)} aria-current={day === now ? "date" : undefined}>
              <DayBody day={day} posts={posts.get(day) ?? none} ghosts={ghosts.get(day) ?? none} current={day === current} acts={acts} />
            </Drop>
          ))}
        </div>
      ))}
    </div>
  );
});
