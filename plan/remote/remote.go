// Package remote evaluates, in Postgres, the functions and operators that Go
// does not implement: a batch of arguments at a time, each distinct one once.
//
// It knows one connection and how arguments travel as arrays. It must not know
// what the expressions are for.
package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/config/guard"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

const (
	// batchRows bounds how many calls go to the server at a time.
	batchRows = 2000
	// memoBytes bounds the remembered results of all calls together, unless
	// Evaluator.Remember says.
	memoBytes = 64 << 20
	// memoEntry bounds one of them: a whole group's values are not worth keeping.
	memoEntry = 64 << 10
	// connectTimeout is how long connecting may take.
	connectTimeout = 20 * time.Second
)

// Evaluator is an expr.Evaluator over a connection of its own, opened when it is
// first needed and again when it was lost.
type Evaluator struct {
	dsn      string
	settings plan.Settings

	mu   sync.Mutex
	conn *pgx.Conn
	// prepared are the connection's statements: SQL → name.
	prepared map[string]string
	memo     map[string]values.Datum
	bytes    int // of it

	memoBytes int
}

// New makes an evaluator. Functions run under the given settings, whatever the
// role or the database presets.
func New(dsn string, settings plan.Settings) *Evaluator {
	return &Evaluator{dsn: dsn, settings: settings, memo: map[string]values.Datum{}, memoBytes: memoBytes}
}

// Remember bounds the memory of remembered results.
func (e *Evaluator) Remember(bytes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memoBytes = bytes
}

// Close closes the connection.
func (e *Evaluator) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn == nil {
		return nil
	}
	err := e.conn.Close(ctx)
	e.conn = nil
	return err
}

func (e *Evaluator) connect(ctx context.Context) error {
	if e.conn != nil && !e.conn.IsClosed() {
		return nil
	}
	cfg, err := pgx.ParseConfig(e.dsn)
	if err != nil {
		return fmt.Errorf("connect to evaluate functions: %w", err)
	}
	maps.Copy(cfg.RuntimeParams, e.settings.Rare)
	for name, value := range map[string]string{
		"application_name": "stepping-cdc evaluate", "TimeZone": e.settings.TimeZone, "DateStyle": "ISO, MDY", "IntervalStyle": "postgres",
		"search_path": e.settings.SearchPath, "bytea_output": "hex", "extra_float_digits": "1", "statement_timeout": "0", "client_encoding": "UTF8",
		"xmloption": "content", "xmlbinary": "base64",
	} {
		cfg.RuntimeParams[name] = value
	}
	// A function may take as long as it likes, so no time limit can tell.
	watch := guard.New(cfg, guard.Silence)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, watch.Config())
	if err != nil {
		return fmt.Errorf("connect to evaluate functions: %w", err)
	}
	var session guard.Session
	err = conn.QueryRow(ctx, `SELECT a.pid, a.backend_start FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()`).
		Scan(&session.PID, &session.Started)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return fmt.Errorf("connect to evaluate functions: %w", err)
	}
	watch.Watch(session)
	e.conn, e.prepared = conn, map[string]string{}
	return nil
}

// EvalRemote implements expr.Evaluator.
func (e *Evaluator) EvalRemote(ctx context.Context, call *expr.Remote, args [][]values.Datum) ([]values.Datum, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := expr.String(call) + "\x00"
	out := make([]values.Datum, len(args))
	waiting := map[string][]int{} // key → rows that want its result
	var keys []string
	var ask [][]values.Datum
	key := []byte(id)
	for i, row := range args {
		key = values.AppendRow(key[:len(id)], row)
		if v, ok := e.memo[string(key)]; ok {
			out[i] = v
			continue
		}
		k := string(key)
		if _, ok := waiting[k]; !ok {
			keys, ask = append(keys, k), append(ask, row)
		}
		waiting[k] = append(waiting[k], i)
	}
	for from := 0; from < len(ask); from += batchRows {
		to := min(from+batchRows, len(ask))
		results, err := e.evaluate(ctx, call, ask[from:to])
		if err != nil {
			return nil, err
		}
		for j, v := range results {
			k := keys[from+j]
			for _, i := range waiting[k] {
				out[i] = v
			}
			if !call.Passing {
				e.remember(k, v)
			}
		}
	}
	return out, nil
}

func (e *Evaluator) remember(key string, v values.Datum) {
	const overhead = 96
	size := len(key) + len(v.Str()) + overhead
	if size > memoEntry {
		return
	}
	if e.bytes+size > e.memoBytes {
		// Starting over costs a batch of calls; keeping an order of use would
		// cost every look-up.
		clear(e.memo)
		e.bytes = 0
	}
	e.memo[key] = v
	e.bytes += size
}

// evaluate asks for all rows at once. If one of them fails, it halves until the
// failing ones are found: their result is the error.
func (e *Evaluator) evaluate(ctx context.Context, call *expr.Remote, rows [][]values.Datum) ([]values.Datum, error) {
	if len(rows) > 1 && !together(call) {
		out := make([]values.Datum, 0, len(rows))
		for i := range rows {
			v, err := e.evaluate(ctx, call, rows[i:i+1])
			if err != nil {
				return nil, err
			}
			out = append(out, v...)
		}
		return out, nil
	}
	out, err := e.query(ctx, call, rows)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || !ofData(pgErr.Code) {
		return out, err
	}
	if len(rows) == 1 {
		return []values.Datum{values.Errorf(pgErr.Code, "%s", pgErr.Message)}, nil
	}
	half := len(rows) / 2
	a, err := e.evaluate(ctx, call, rows[:half])
	if err != nil {
		return nil, err
	}
	b, err := e.evaluate(ctx, call, rows[half:])
	if err != nil {
		return nil, err
	}
	return append(a, b...), nil
}

// ofData says whether an error is about the arguments, not about the server,
// the connection or the role: those are worth another try.
func ofData(sqlstate string) bool {
	for _, class := range []string{"08", "53", "55", "57", "58", "42501", "XX"} {
		if strings.HasPrefix(sqlstate, class) {
			return false
		}
	}
	return true
}

func (e *Evaluator) query(ctx context.Context, call *expr.Remote, rows [][]values.Datum) ([]values.Datum, error) {
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	var stmt Statement
	var params [][]byte
	var err error
	if len(rows) == 1 {
		stmt = One(call)
		params, err = parameters(call, rows[0])
	} else {
		stmt = Many(call)
		params, err = columns(call, rows)
	}
	if err != nil {
		return nil, err
	}
	formats := make([]int16, len(params))
	for i := range formats {
		formats[i] = 1
		if stmt.Text[i] {
			formats[i] = 0
		}
	}
	name, err := e.prepare(ctx, stmt.SQL)
	if err != nil {
		return nil, err
	}
	resultFormat := int16(1)
	if call.T.NoBinary {
		resultFormat = 0
	}
	res := e.conn.PgConn().ExecPrepared(ctx, name, params, formats, []int16{resultFormat}).Read()
	if res.Err != nil {
		return nil, res.Err
	}
	if len(res.Rows) != len(rows) {
		return nil, fmt.Errorf("%d results for %d calls", len(res.Rows), len(rows))
	}
	decode := values.DecodeBinary
	if telling(call) {
		decode = values.DecodeTold
	}
	out := make([]values.Datum, len(rows))
	for i, r := range res.Rows {
		if r[0] == nil {
			continue
		}
		v, err := decode(call.T, r[0])
		if err != nil {
			return nil, fmt.Errorf("read a result: %w", err)
		}
		out[i] = v
	}
	return out, nil
}

// prepare parses a statement once a connection.
func (e *Evaluator) prepare(ctx context.Context, sql string) (name string, err error) {
	if name, ok := e.prepared[sql]; ok {
		return name, nil
	}
	name = "s" + strconv.Itoa(len(e.prepared))
	if _, err := e.conn.PgConn().Prepare(ctx, name, sql, nil); err != nil {
		return "", err
	}
	e.prepared[sql] = name
	return name, nil
}
