package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// TestMain makes this test binary the program as well: scripts run it by its name.
func TestMain(m *testing.M) {
	testscript.Main(withServer{m}, map[string]func(){"stepping-cdc": func() { os.Exit(Main()) }})
}

type withServer struct{ m *testing.M }

func (w withServer) Run() int { return embedded.RunTests(w.m) }

// TestScripts runs the scripts of testdata, each on a database of its own whose
// connection string is in STEPPING_SOURCE_DSN. Besides testscript's commands:
//
//	sql STATEMENTS      runs SQL
//	rows QUERY          prints the rows, values separated by a blank
//	await QUERY         waits until the query returns true
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("STEPPING_SOURCE_DSN", embedded.NewDB(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql":   func(ts *testscript.TestScript, _ bool, args []string) { query(ts, args) },
			"rows":  func(ts *testscript.TestScript, _ bool, args []string) { ts.Stdout().Write([]byte(query(ts, args))) },
			"await": func(ts *testscript.TestScript, _ bool, args []string) { await(ts, args) },
		},
	})
}

func query(ts *testscript.TestScript, args []string) string {
	out, err := ask(ts, args)
	ts.Check(err)
	return out
}

func ask(ts *testscript.TestScript, args []string) (string, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, ts.Getenv("STEPPING_SOURCE_DSN"))
	ts.Check(err)
	defer conn.Close(ctx)
	results, err := conn.PgConn().Exec(ctx, strings.Join(args, " ")).ReadAll()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, row := range results[len(results)-1].Rows {
		for i, v := range row {
			if i > 0 {
				out.WriteByte(' ')
			}
			out.Write(v)
		}
		out.WriteByte('\n')
	}
	return out.String(), nil
}

func await(ts *testscript.TestScript, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		out, err := ask(ts, args)
		if err == nil && out == "t\n" {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("in vain: %s: %s %v", strings.Join(args, " "), out, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
