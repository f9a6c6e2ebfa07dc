import { useDraggable } from "@dnd-kit/core";
import { VisuallyHidden } from "@mantine/core";
import { IconCalendarPlus, IconRepeat } from "@tabler/icons-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Platform, platforms, type PlatformName } from "../../components/Platform";
import { StateMark } from "../../components/State";
import { labelOf, platformsOf } from "../../lib/posts";
import classes from "./calendar.module.css";
import { draggable, type CalendarPost, type Ghost } from "./data";
import { clockOf, timeOf } from "./days";

/** What calendars do with what is in them. It stays the same while posts come and go. */
export interface Acts {
  open: (post: CalendarPost) => void;
  /** Opens a day whole. */
  openDay: (day: string) => void;
  /** Begins a post; undefined: not offered. */
  write?: (day: string, time?: string) => void;
  openOriginal: (postId: string) => void;
  /** Whether posts are moved by dragging. */
  moves: boolean;
}

/** How many marks of platforms stand beside a post, where there is room; where there is little, it is one. */
const MARKS = 3;

/** The marks of a few platforms, and how many more there are. */
function Marks({ platforms: all, most, className = "" }: { platforms: PlatformName[]; most: number; className?: string | undefined }) {
  const rest = all.slice(most);
  return (
    <span className={`${classes.platforms} ${className}`}>
      {all.slice(0, most).map((platform) => (
        <Platform key={platform} platform={platform} size={13} />
      ))}
      {rest.length > 0 && (
        <>
          <span aria-hidden>+{rest.length}</span>
          <VisuallyHidden>{rest.map((platform) => platforms[platform].name).join(", ")}</VisuallyHidden>
        </>
      )}
    </span>
  );
}

/** What is in the button of a post: its time, its state, its platforms, and how it begins. */
export const ChipBody = memo(function ChipBody({ post }: { post: CalendarPost }) {
  useTranslation(); // times and what has no title are written in the language of the dashboard
  const all = platformsOf(post);
  return (
    <>
      <StateMark state={post.state} size={13} />
      <span className={classes.time}>{clockOf(post.scheduled_local)}</span>
      <Marks platforms={all} most={MARKS} className={classes.some} />
      <Marks platforms={all} most={1} className={classes.one} />
      <span className={classes.text}>{labelOf(post)}</span>
    </>
  );
});

function Draggable({ post, open, tabIndex }: { post: CalendarPost; open: Acts["open"]; tabIndex: number }) {
  const { t } = useTranslation("calendar");
  const { setNodeRef, listeners, attributes, isDragging } = useDraggable({ id: post.id, data: { post }, attributes: { roleDescription: t("drag.description"), tabIndex } });
  return (
    <button type="button" ref={setNodeRef} {...attributes} {...listeners} className={`${classes.chip} ${classes.movable} ${isDragging ? classes.dragged : ""}`} onClick={() => open(post)}>
      <ChipBody post={post} />
    </button>
  );
}

/** A post in a day: it opens at a click, and can be dragged where it may be moved. */
export const Chip = memo(function Chip({ post, acts, tabIndex = 0 }: { post: CalendarPost; acts: Acts; tabIndex?: number }) {
  if (acts.moves && draggable(post)) return <Draggable post={post} open={acts.open} tabIndex={tabIndex} />;
  return (
    <button type="button" className={classes.chip} tabIndex={tabIndex} onClick={() => acts.open(post)}>
      <ChipBody post={post} />
    </button>
  );
});

/** A free slot, or a time at which a copy of a post is going to be. */
export const GhostChip = memo(function GhostChip({ ghost, acts, tabIndex = 0 }: { ghost: Ghost; acts: Acts; tabIndex?: number }) {
  const { t } = useTranslation("calendar");
  const { postId, local } = ghost;
  const time = timeOf(local);
  const Icon = postId === undefined ? IconCalendarPlus : IconRepeat;
  const body = (
    <>
      <Icon size={13} aria-hidden style={{ flex: "none" }} />
      <span className={classes.time}>{clockOf(local)}</span>
      <span className={classes.text}>{postId === undefined ? t("free") : t("recurs")}</span>
    </>
  );
  const { write, openOriginal } = acts;
  const act = postId !== undefined ? () => openOriginal(postId) : write === undefined ? undefined : () => write(local.slice(0, 10), time);
  const look = `${classes.chip} ${classes.ghost}`;
  if (act === undefined) return <span className={look}>{body}</span>;
  return (
    <button type="button" className={look} tabIndex={tabIndex} onClick={act}>
      {body}
    </button>
  );
});
