package replication

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Position is a place in one server's history. An LSN alone is not: other
// servers, and other timelines of the same, count the same numbers.
type Position struct {
	SystemID string
	Timeline int32
	LSN      LSN
}

// CheckPosition makes sure that a slot still holds everything after a
// checkpoint. It must run before every Start from one, because the server itself
// never objects: it silently skips to the slot's own position when ours is
// behind, and silently skips commits when ours is ahead of its history.
//
// The answer is where the server is now, to be stored with the checkpoints that
// follow.
func (c *Conn) CheckPosition(ctx context.Context, conn *pgx.Conn, slot string, checkpoint Position) (System, error) {
	system, err := c.IdentifySystem(ctx)
	if err != nil {
		return system, err
	}
	if system.SystemID != checkpoint.SystemID {
		return system, &StopError{
			Code: IdentityChanged,
			Message: fmt.Sprintf("this is another database server (system %s) than the one followed so far (system %s)",
				system.SystemID, checkpoint.SystemID),
			Remedy: resnapshot,
		}
	}
	if err := c.checkTimeline(ctx, system, checkpoint); err != nil {
		return system, err
	}
	return system, checkSlot(ctx, conn, slot, system.Database, checkpoint.LSN)
}

// resnapshot is the remedy where the stream cannot be continued.
const resnapshot = "start with --resnapshot to load all tables anew; the outputs are then corrected by the difference"

// checkTimeline makes sure that the checkpoint lies on the server's own history.
func (c *Conn) checkTimeline(ctx context.Context, system System, checkpoint Position) error {
	forked := func(format string, args ...any) error {
		return &StopError{
			Code: TimelineForked,
			Message: fmt.Sprintf("the server's history does not contain %s on timeline %d: ", checkpoint.LSN, checkpoint.Timeline) +
				fmt.Sprintf(format, args...),
			Remedy: resnapshot,
		}
	}
	if checkpoint.Timeline == system.Timeline {
		if checkpoint.LSN > system.Flushed {
			return forked("it ends at %s", system.Flushed)
		}
		return nil
	}
	history, err := c.TimelineHistory(ctx, system.Timeline)
	if err != nil {
		return err
	}
	for _, s := range history {
		if s.Timeline != checkpoint.Timeline {
			continue
		}
		if checkpoint.LSN > s.End {
			return forked("that timeline was left at %s", s.End)
		}
		return nil
	}
	return forked("it is on timeline %d, which did not branch off that one", system.Timeline)
}

// checkSlot makes sure that a slot is usable and not ahead.
func checkSlot(ctx context.Context, conn *pgx.Conn, name, database string, checkpoint LSN) error {
	slot, err := SlotInfo(ctx, conn, name)
	switch {
	case err != nil:
		return err
	case slot == nil:
		return slotMissing(name, nil)
	case slot.Lost:
		return slotLost(name, slot.LostReason, nil)
	case slot.Plugin != "pgoutput" || slot.Database != database:
		return &StopError{
			Code:    SlotMissing,
			Message: fmt.Sprintf("slot %s belongs to something else (plugin %q, database %q)", name, slot.Plugin, slot.Database),
			Remedy:  "choose another name for source.slot",
		}
	case slot.ConfirmedFlush > checkpoint:
		return &StopError{
			Code: SlotAhead,
			Message: fmt.Sprintf("slot %s has been moved to %s, past the last state kept (%s): it was created anew or advanced by someone else",
				name, slot.ConfirmedFlush, checkpoint),
			Remedy: resnapshot,
		}
	}
	return nil
}

// Diagnose looks at the slot after the stream broke off, for an administrator's
// kill and the invalidation of an active slot look the same to the stream. It
// answers with a StopError where the slot is gone, else with err itself.
func Diagnose(ctx context.Context, conn *pgx.Conn, slot string, err error) error {
	var stop *StopError
	if errors.As(err, &stop) && stop.Code != SlotLost {
		return err
	}
	info, infoErr := SlotInfo(ctx, conn, slot)
	switch {
	case infoErr != nil:
		return err
	case info == nil:
		return slotMissing(slot, err)
	case info.Lost:
		return slotLost(slot, info.LostReason, err)
	}
	return err
}

func slotMissing(name string, err error) error {
	return &StopError{
		Code: SlotMissing, Message: fmt.Sprintf("replication slot %s does not exist", name),
		Remedy: resnapshot, Err: err,
	}
}

func slotLost(name, reason string, err error) error {
	message := fmt.Sprintf("replication slot %s has been invalidated by the server", name)
	if reason != "" {
		message += " (" + reason + ")"
	}
	return &StopError{
		Code: SlotLost, Message: message, Err: err,
		Remedy: "raise max_slot_wal_keep_size or idle_replication_slot_timeout, drop the slot, then " + resnapshot,
	}
}

func publicationMissing(name string, err error) error {
	return &StopError{
		Code: PublicationChanged, Err: err,
		Message: fmt.Sprintf("publication %s does not exist, or did not yet when the changes at hand were made", name),
		Remedy:  resnapshot,
	}
}
