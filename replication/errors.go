package replication

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Code names a reason to stop that no retry mends.
type Code string

const (
	SlotMissing        Code = "slot_missing"
	SlotLost           Code = "slot_lost"
	SlotAhead          Code = "slot_ahead"
	SlotBlocked        Code = "slot_blocked"
	PublicationChanged Code = "publication_changed"
	TableChanged       Code = "table_changed"
	IdentityChanged    Code = "identity"
	TimelineForked     Code = "timeline"
)

// StopError says why following the source has to stop, and what mends it. The
// slot has not been moved.
type StopError struct {
	Code    Code
	Message string
	Remedy  string
	Err     error // the server's word, where there is one
}

func (e *StopError) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Remedy != "" {
		s += " (" + e.Remedy + ")"
	}
	return s
}

func (e *StopError) Unwrap() error { return e.Err }

// ErrSilent marks a connection that has not delivered a byte for too long.
var ErrSilent = errors.New("server has gone silent")

// ErrStreamEnded marks a stream that the server ended in good order, as it does
// when it shuts down.
var ErrStreamEnded = errors.New("server ended the stream")

// ErrNoBinary marks a stream that met a value without a binary form, in any column
// of a published table. It goes on when it is started again with Text.
var ErrNoBinary = errors.New("value has no binary format")

// ErrRewritten marks a table that was truncated, or rewritten by ALTER TABLE or
// VACUUM FULL, after the snapshot and before it was loaded: it has to be loaded
// from a new snapshot.
var ErrRewritten = errors.New("table was truncated or rewritten before it was read")

// SQLSTATEs with a meaning of their own here.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	stateObjectNotReady  = "55000"
	stateObjectInUse     = "55006"
	stateLockUnavailable = "55P03"
	stateUndefinedObject = "42704"

	stateUndefinedFunction = "42883"
	stateAdminShutdown     = "57P01"
)

// Retryable says whether the same attempt may succeed later by itself. After an
// error with SQLSTATE 57P01 look at the slot first (Diagnose): it is what both
// an administrator and the invalidation of an active slot leave behind.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var stop *StopError
	if errors.As(err, &stop) {
		return false
	}
	if errors.Is(err, ErrNoBinary) || errors.Is(err, ErrRewritten) {
		return true
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return retryableState(pgErr.Code)
	}
	if RefusedTLS(err) {
		return false
	}
	var netErr net.Error
	var parse *pgconn.ParseConfigError
	switch {
	case errors.As(err, &parse):
		return false
	case errors.Is(err, ErrSilent), errors.Is(err, ErrStreamEnded),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &netErr), pgconn.Timeout(err), pgconn.SafeToRetry(err):
		return true
	}
	return false
}

func retryableState(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "53": // connection exceptions, insufficient resources
		return true
	}
	switch code {
	case stateAdminShutdown, "57P02", "57P03", "57P05", // shut down, crashed, starting up, idle too long
		"57014", "25P03", "25P04", // cancelled, transaction idle or open too long
		"40001", "40P01", // serialization failure, deadlock
		stateObjectInUse, stateLockUnavailable:
		return true
	}
	return false
}

// RefusedTLS recognizes a server that is not what the configuration asks for.
func RefusedTLS(err error) bool {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) ||
		errors.As(err, &verification) || strings.Contains(err.Error(), "refused TLS connection")
}

func sqlState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}
