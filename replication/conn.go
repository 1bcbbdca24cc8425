package replication

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/stepping-cdc/stepping-cdc/config/pollconn"
	"github.com/stepping-cdc/stepping-cdc/decode"
)

// LSN is a position in the write-ahead log.
type LSN = decode.LSN

// pinned are the settings on which the text of values, the meaning of names and
// the life of a session depend. A role or database may preset any of them, so
// they travel in the start-up packet, which has the last word.
var pinned = map[string]string{
	"DateStyle":                           "ISO",
	"IntervalStyle":                       "postgres",
	"TimeZone":                            "UTC",
	"bytea_output":                        "hex",
	"extra_float_digits":                  "3",
	"client_encoding":                     "UTF8",
	"search_path":                         "",
	"statement_timeout":                   "0",
	"lock_timeout":                        "0",
	"idle_in_transaction_session_timeout": "0",
	"idle_session_timeout":                "0",
	"row_security":                        "off",
	"default_transaction_read_only":       "off",
	"default_transaction_deferrable":      "off",
}

// Conn is a replication connection: a walsender bound to one database.
type Conn struct {
	dsn    string
	pg     *pgconn.PgConn
	reader *reader // what pg reads from

	// Version is the server's major version.
	Version int
	// SenderTimeout is the server's wal_sender_timeout; 0 when it has none.
	SenderTimeout time.Duration
}

// Connect opens a replication connection. Every setting that values depend on is
// pinned for it.
func Connect(ctx context.Context, dsn string) (*Conn, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read source DSN: %w", err)
	}
	pin(config)
	config.RuntimeParams["replication"] = "database"
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return pollconn.New(conn), nil
	}
	var reader *reader
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		reader = newReader(r) // anew for each address that is tried
		return pgproto3.NewFrontend(reader, w)
	}
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open replication connection: %w", err)
	}
	c := &Conn{dsn: dsn, pg: pg, reader: reader, Version: majorVersion(pg)}
	err = unlimited(ctx, pg)
	if err == nil {
		err = c.describe(ctx)
	}
	if err != nil {
		pg.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Close ends the connection, and with it any temporary slot and exported
// snapshot.
func (c *Conn) Close(ctx context.Context) error {
	if err := c.pg.Close(ctx); err != nil {
		return fmt.Errorf("close replication connection: %w", err)
	}
	return nil
}

// OpenSession opens an ordinary connection with the same pinned settings.
func OpenSession(ctx context.Context, dsn string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read source DSN: %w", err)
	}
	pin(&config.Config)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open source session: %w", err)
	}
	if err := unlimited(ctx, conn.PgConn()); err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// unlimited pins the one setting that the start-up packet cannot, since servers
// before 17 refuse it: it would end exported snapshots, loads, and the decoding of
// large transactions.
func unlimited(ctx context.Context, pg *pgconn.PgConn) error {
	if majorVersion(pg) < 17 {
		return nil
	}
	if _, err := pg.Exec(ctx, "SET transaction_timeout = 0").ReadAll(); err != nil {
		return fmt.Errorf("pin transaction_timeout: %w", err)
	}
	return nil
}

// majorVersion is the version as the server reported it at the start of the
// session: "15.20 (Debian …)", "19beta1".
func majorVersion(pg *pgconn.PgConn) int {
	text := pg.ParameterStatus("server_version")
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil {
		return 0
	}
	return n
}

// connectTimeout is how long connecting may take, unless the DSN says: a server that
// accepts a connection may still never answer.
const connectTimeout = 20 * time.Second

func pin(config *pgconn.Config) {
	for name, value := range pinned {
		config.RuntimeParams[name] = value
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
}

// describe learns what of the server later decisions depend on.
func (c *Conn) describe(ctx context.Context) error {
	results, err := c.pg.Exec(ctx, "SHOW wal_sender_timeout").ReadAll()
	if err != nil {
		return fmt.Errorf("read setting wal_sender_timeout: %w", err)
	}
	c.SenderTimeout, err = parseDuration(string(results[0].Rows[0][0]))
	return err
}

// parseDuration reads a duration as SHOW writes it: a whole number of one unit.
func parseDuration(s string) (time.Duration, error) {
	units := []struct {
		suffix string
		unit   time.Duration
	}{
		{"us", time.Microsecond}, {"ms", time.Millisecond}, {"min", time.Minute},
		{"s", time.Second}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"", time.Millisecond},
	}
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.Atoi(digits)
			if err != nil {
				return 0, fmt.Errorf("read duration %q: %w", s, err)
			}
			return time.Duration(n) * u.unit, nil
		}
	}
	return 0, fmt.Errorf("read duration %q: unknown unit", s)
}
