// Command getpg prints the folder of a Postgres server's programs, and gets one
// first if none is installed. The Makefile runs it before the tests, so that
// downloads are seen to happen and are outside the tests' time limit.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func main() {
	version := flag.String("version", os.Getenv(embedded.TestVersionEnv), "major version, 14 to 18; empty for any")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	inst, err := embedded.Locate(ctx, *version, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "getpg:", err)
		os.Exit(1)
	}
	fmt.Printf("PostgreSQL %s: %s\n", inst.Version, inst.BinDir)
}
