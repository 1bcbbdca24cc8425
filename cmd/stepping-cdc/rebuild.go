package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

func rebuildCommand() *cobra.Command {
	var asJSON bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "rebuild VIEW...",
		Short: "Compute views anew and correct their outputs by the difference",
		Long: `Has the instance that runs load the views anew from a snapshot, beside what is
there, and waits for it. Their output tables are then corrected by the difference,
in one transaction: readers see the old contents until then, and no gap.

The other views are not computed anew; they wait while the snapshot is loaded, and
catch up afterwards. If "stepping-cdc run" is not running, the request is noted and
done at the next start. Interrupted, it stays as well.

Exit status: 0 all of them are rebuilt and live, 1 otherwise.`,
		Example: `  stepping-cdc rebuild revenue_by_region
  stepping-cdc rebuild revenue_by_region stock --timeout 10m`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeViews,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			views, err := pipeline.Rebuild(ctx, cfg, args)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), views)
			}
			for _, v := range views {
				if !asJSON {
					line := fmt.Sprintf("%s  %s  %d rows  %s", v.Name, v.State, v.Rows, v.Error)
					fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(line))
				}
				if err == nil && v.State != string(sink.Live) {
					err = errSaid
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print how the views are as JSON")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait; 0: until it is done")
	return cmd
}
