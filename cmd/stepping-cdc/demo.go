package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/demo"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

func demoCommand() *cobra.Command {
	var opts demo.Options
	var noHTTP bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a shop on a throw-away Postgres, written to by several sessions",
		Long: `Starts a Postgres of its own in a temporary folder, fills it with a shop, keeps
eight views of it while four sessions write, and at the end compares every output
table with its query. It uses an installed Postgres if there is one, else it gets
one, and says so.

Nothing of yours is touched: no cluster, no configuration, no environment variable
of this shell. Everything is removed at the end, also after Ctrl-C.

Exit status: 0 all tables were equal, 1 otherwise.`,
		Example: `  stepping-cdc demo
  stepping-cdc demo --for 10s --no-http      # for scripts
  stepping-cdc demo --keep                   # leave it running, to look with psql`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.For <= 0 {
				return fmt.Errorf("--for: %s is no time", opts.For)
			}
			if noHTTP {
				opts.HTTP = ""
			}
			var err error
			opts.Out = cmd.OutOrStdout()
			opts.Terminal = isTerminal(opts.Out)
			if opts.Log, err = logger(cmd.ErrOrStderr(), config.Log{Level: "warn", Format: "console"}); err != nil {
				return err
			}
			pipeline.SpareProcessors()
			return demo.Run(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&opts.For, "for", 30*time.Second, "how long to write to the shop")
	f.StringVar(&opts.HTTP, "listen", "127.0.0.1:8585", "where the dashboard listens")
	f.BoolVar(&noHTTP, "no-http", false, "no dashboard")
	f.BoolVar(&opts.Keep, "keep", false, "leave Postgres and the views running until Ctrl-C")
	return cmd
}
