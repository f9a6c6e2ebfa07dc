import {
  DndContext,
  DragOverlay,
  KeyboardCode,
  KeyboardSensor,
  MouseSensor,
  TouchSensor,
  pointerWithin,
  rectIntersection,
  useSensor,
  useSensors,
  type Active,
  type CollisionDetection,
  type KeyboardCoordinateGetter,
  type UniqueIdentifier,
} from "@dnd-kit/core";
import { memo, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { labelOf } from "../../lib/posts";
import { ChipBody } from "./Chip";
import classes from "./calendar.module.css";
import type { CalendarPost } from "./data";
import { addDays, clockOf, formatDay, timeOf, type Day } from "./days";

// A place is a day, 2030-01-31, or an hour of it, 2030-01-31T09.

const detect: CollisionDetection = (args) => (args.pointerCoordinates === null ? rectIntersection(args) : pointerWithin(args));

const keyboardCodes = { start: [KeyboardCode.Space], cancel: [KeyboardCode.Esc], end: [KeyboardCode.Space, KeyboardCode.Enter] };

function postOf(active: Active): CalendarPost | undefined {
  const data: { post?: CalendarPost } | undefined = active.data.current;
  return data?.post;
}

function beside(place: string, code: string): string | undefined {
  const day = place.slice(0, 10);
  const hour = place.slice(11);
  const at = (moved: Day) => (hour === "" ? moved : `${moved}T${hour}`);
  const step = code === "ArrowUp" ? -1 : 1;
  if (code === "ArrowLeft" || code === "ArrowRight") return at(addDays(day, code === "ArrowLeft" ? -1 : 1));
  if (code !== "ArrowUp" && code !== "ArrowDown") return undefined;
  if (hour === "") return addDays(day, 7 * step);
  return `${day}T${String(Math.min(23, Math.max(0, Number(hour) + step))).padStart(2, "0")}`;
}

/** Lets posts be dragged from place to place: by mouse, touch and keyboard. `hours`: places are hours. */
export const Dragging = memo(function Dragging({ drop, hours, children }: { drop: (post: CalendarPost, day: Day, time: string) => void; hours: boolean; children: ReactNode }) {
  const { t } = useTranslation("calendar");
  const [lifted, setLifted] = useState<CalendarPost>();
  const coordinateGetter = useMemo<KeyboardCoordinateGetter>(
    () =>
      (event, { context: { active, over, droppableRects } }) => {
        const post = active === null ? undefined : postOf(active);
        const place = over === null ? post?.scheduled_local.slice(0, hours ? 13 : 10) : String(over.id);
        const next = place === undefined ? undefined : beside(place, event.code);
        const rect = next === undefined ? undefined : droppableRects.get(next);
        if (rect === undefined) return undefined;
        event.preventDefault();
        return { x: rect.left + 4, y: rect.top + 4 };
      },
    [hours],
  );
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 250, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter, keyboardCodes }),
  );
  const accessibility = useMemo(() => {
    const name = (active: Active) => labelOf(postOf(active) ?? { title: "", text: "" }, 60);
    const placeName = (id: UniqueIdentifier) => {
      const place = String(id);
      const day = formatDay(place.slice(0, 10), { weekday: "long", day: "numeric", month: "long" });
      return place.length > 10 ? `${day}, ${clockOf(`${place}:00`)}` : day;
    };
    return {
      screenReaderInstructions: { draggable: t("drag.instructions") },
      announcements: {
        onDragStart: ({ active }: { active: Active }) => t("drag.start", { post: name(active) }),
        onDragOver: ({ active, over }: { active: Active; over: { id: UniqueIdentifier } | null }) => (over === null ? t("drag.nowhere", { post: name(active) }) : t("drag.over", { post: name(active), place: placeName(over.id) })),
        onDragEnd: ({ active, over }: { active: Active; over: { id: UniqueIdentifier } | null }) => (over === null ? t("drag.cancel", { post: name(active) }) : t("drag.end", { post: name(active), place: placeName(over.id) })),
        onDragCancel: ({ active }: { active: Active }) => t("drag.cancel", { post: name(active) }),
      },
    };
  }, [t]);
  return (
    <DndContext
      id="calendar"
      sensors={sensors}
      collisionDetection={detect}
      accessibility={accessibility}
      onDragStart={({ active }) => setLifted(postOf(active))}
      onDragCancel={() => setLifted(undefined)}
      onDragEnd={({ active, over }) => {
        setLifted(undefined);
        const post = postOf(active);
        if (post === undefined || over === null) return;
        const place = String(over.id);
        if (post.scheduled_local.startsWith(place)) return;
        const time = timeOf(post.scheduled_local);
        drop(post, place.slice(0, 10), place.length > 10 ? `${place.slice(11)}:${time.slice(3)}` : time);
      }}
    >
      {children}
      <DragOverlay dropAnimation={null}>
        {lifted !== undefined && (
          <div className={`${classes.chip} ${classes.lifted}`}>
            <ChipBody post={lifted} />
          </div>
        )}
      </DragOverlay>
    </DndContext>
  );
});
