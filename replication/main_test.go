package replication_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// connect opens a replication connection that is closed with the test.
func connect(t testing.TB, dsn string) *replication.Conn {
	t.Helper()
	c, err := replication.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.Close(ctx) // fails when a stream has taken it over
	})
	return c
}

// wantStop asserts a StopError with a code and a remedy, which nothing retries.
func wantStop(t testing.TB, err error, code replication.Code) *replication.StopError {
	t.Helper()
	var stop *replication.StopError
	if !errors.As(err, &stop) || stop.Code != code {
		t.Fatalf("want StopError %s, have %v", code, err)
	}
	if stop.Remedy == "" || stop.Message == "" || replication.Retryable(err) {
		t.Fatalf("message, remedy or class: %#v", stop)
	}
	return stop
}

// eventually waits for a condition of the server's.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
