package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "How each view is, how far behind the outputs are, and how the slot is",
		Long: `Reads from the databases how each view is, how far the outputs are and how the
replication slot is. The lag is measured: by waiting, two seconds at most, until
the outputs hold what was committed when it was asked.

Exit status: 0 all configured views are live and followed, 1 otherwise.`,
		Example: `  stepping-cdc status
  stepping-cdc status --json | jq .lag_seconds`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			status, err := pipeline.ReadStatus(cmd.Context(), cfg, true)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), status)
			} else {
				err = printStatus(cmd.OutOrStdout(), status)
			}
			if err == nil && !status.Healthy() {
				err = errSaid
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the status as JSON")
	return cmd
}

func printStatus(w io.Writer, s *pipeline.Status) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VIEW\tSTATE\tROWS\tCHANGED\tERROR")
	for _, v := range s.Views {
		changed, note := "-", v.Error
		if v.UpdatedAt != nil {
			changed = v.UpdatedAt.Local().Format(time.DateTime)
		}
		if v.Cause != "" {
			note += ": " + v.Cause
		}
		if !v.Configured {
			note += " (not configured)"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", v.Name, v.State, v.Rows, changed, note)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	fmt.Fprintf(w, "\noutputs   at %s, the source at %s: lag %s, %.3f s\n", s.Position, s.SourceEnd, config.FormatSize(s.LagBytes), s.LagSeconds)
	if s.Clock != nil {
		fmt.Fprintf(w, "clock     %s\n", s.Clock.Local().Format("2006-01-02 15:04:05.999 MST"))
	}
	if s.Slot != nil {
		safe := ""
		if s.Slot.SafeBytes != nil {
			safe = ", lost after another " + config.FormatSize(*s.Slot.SafeBytes)
		}
		fmt.Fprintf(w, "slot      %s: active %t, WAL %s, keeps %s%s\n", s.Slot.Name, s.Slot.Active, s.Slot.WALStatus, config.FormatSize(s.Slot.RetainedBytes), safe)
	}
	fmt.Fprintf(w, "state     %s\n", config.FormatSize(s.StateBytes))
	for _, p := range s.Problems {
		fmt.Fprintln(w, "PROBLEM  ", p)
	}
	return nil
}
