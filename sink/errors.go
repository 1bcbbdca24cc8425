package sink

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/migrations"
)

// ErrFenced says that progress is not where this instance left it: another one
// has taken over, or the row was set. It is final for this Sink.
var ErrFenced = errors.New("the outputs are not where this instance left them")

// ErrPosition says that the caller takes another position than it is for that of
// the outputs: it has lost sight of one of its own commits. Whoever begins again from
// the progress row finds what is missing in its log.
var ErrPosition = errors.New("the outputs are not where the writer believes them to be")

// ErrUnknown says that the connection was lost while a commit was under way:
// it may or may not have happened. Reconnect, and compare the progress it returns.
var ErrUnknown = errors.New("connection lost during the commit: outcome unknown")

// ErrAbsent says that an output table does not exist.
var ErrAbsent = errors.New("output table does not exist")

// ErrForeign says that a table of the output's name exists and is not ours.
var ErrForeign = errors.New("a table of that name exists and was not made by stepping-cdc")

// RunningError says that another instance holds the outputs right now.
type RunningError struct {
	PID         int32
	Application string
	Client      string
	Since       time.Time
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("another instance is running: backend %d (%s from %s, since %s); stop it first",
		e.PID, e.Application, e.Client, e.Since.Format(time.RFC3339))
}

// DriftError says that an output table is not what this program left: its shape
// or its rows were changed by someone else. The view needs a rebuild.
type DriftError struct {
	View  string
	Cause string
	err   error
}

func (e *DriftError) Error() string {
	return fmt.Sprintf("output of view %q has been changed by someone else: %s", e.View, e.Cause)
}

func (e *DriftError) Unwrap() error { return e.err }

// Drifts are all that an error tells of outputs that were changed.
func Drifts(err error) (found []*DriftError) {
	switch e := err.(type) { //nolint:errorlint // It goes through all that is wrapped: errors.As finds the first one.
	case *DriftError:
		return []*DriftError{e}
	case interface{ Unwrap() error }:
		return Drifts(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			found = append(found, Drifts(err)...)
		}
	}
	return found
}

func miscounted(view string, got, want int64) *DriftError {
	return &DriftError{View: view, Cause: fmt.Sprintf("%d rows written where %d were due", got, want)}
}

// ViewError says that a change cannot be written to one view's output, and that the
// fault is not the table's: the change contradicts itself, or exceeds a limit of the
// server. The other views are not concerned.
type ViewError struct {
	View  string
	Cause string
	err   error
}

func (e *ViewError) Error() string {
	return fmt.Sprintf("output of view %q cannot be written: %s", e.View, e.Cause)
}

func (e *ViewError) Unwrap() error { return e.err }

func unfit(t *Table, format string, args ...any) error {
	return &ViewError{View: t.spec.Name, Cause: fmt.Sprintf(format, args...)}
}

// limit marks an error that says that a limit of the server is exceeded, or that a value is
// none of its type: the labels of an enum may have been renamed since it was read.
func limit(err error, view string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code[:2] == "54" || pg.Code[:2] == "22") {
		return &ViewError{View: view, Cause: pg.Message + " (SQLSTATE " + pg.Code + ")", err: err}
	}
	return err
}

// Retryable says whether the same transaction may succeed when it is tried again,
// after Reconnect where the connection is gone.
func Retryable(err error) bool {
	var drift *DriftError
	var view *ViewError
	if err == nil || errors.Is(err, ErrFenced) || errors.As(err, &drift) || errors.As(err, &view) ||
		errors.Is(err, context.Canceled) {
		return false
	}
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrPosition) {
		return true
	}
	var running *RunningError
	if errors.As(err, &running) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		var connect *pgconn.ConnectError
		return errors.As(err, &connect) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) || isConnLost(err)
	}
	// Appendix A of the manual, "PostgreSQL Error Codes".
	switch pg.Code {
	case "40001", "40P01", // serialization failure, deadlock
		"55P03", "55006", // lock not available, object in use
		"57014", "57P01", "57P02", "57P03", "57P05", // cancelled, shutdown, crash, starting up, idle
		"25P03", "25P04": // transaction idle or open too long
		return true
	}
	switch pg.Code[:2] {
	case "08", "53": // connection; out of memory, disk, connections
		return true
	}
	return false
}

// connLost marks an error of a connection that can no longer be used.
type connLost struct{ err error }

func (e *connLost) Error() string { return e.err.Error() }
func (e *connLost) Unwrap() error { return e.err }

func isConnLost(err error) bool {
	var c *connLost
	return errors.As(err, &c)
}

// moved says who has moved the progress, as far as check_progress knows: each instance has its
// own epoch.
func moved(message string) string {
	if m := epochs.FindStringSubmatch(message); m != nil && m[1] == m[2] {
		return "the row of stepping_cdc.progress was changed by someone else; start with --resnapshot"
	}
	return "another instance has taken over"
}

var epochs = regexp.MustCompile(`in epoch (\d+), .* in epoch (\d+)$`)

// classify turns a server's error of a statement on a view's table (view is ""
// for the control tables) into the errors of this package.
func classify(err error, view string) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case migrations.StateFenced:
		return fmt.Errorf("%w: %s: %s", ErrFenced, pg.Message, moved(pg.Message))
	case "42501": // insufficient privilege: the operator's to mend, no rebuild helps
		return err
	}
	if view == "" {
		return err
	}
	switch pg.Code[:2] {
	case "54", "22":
		return limit(err, view)
	case "42", "23", "44", "P0", "0A", // shape, constraint, check option, a trigger's RAISE
		"XX": // of a dropped table, the row type in a prepared statement; a damaged file
		return &DriftError{View: view, Cause: pg.Message + " (SQLSTATE " + pg.Code + ")", err: err}
	}
	return err
}
