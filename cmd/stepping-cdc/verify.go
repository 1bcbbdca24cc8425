package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
)

func verifyCommand() *cobra.Command {
	var asJSON bool
	var lsn string
	var opts verify.Options
	cmd := &cobra.Command{
		Use:   "verify [VIEW...]",
		Short: "Compare every output table with its query",
		Long: `Waits until the outputs hold everything committed so far, then compares each
output table with its query as multisets, as Postgres evaluates it under the same
snapshot. It prints the counts and some rows that differ.

While the source is written to, a snapshot may show transactions that are still on
their way to the outputs. A view then only counts as different if nothing was on
its way to it, under three snapshots. A view that changes thousands of times a
second leaves no such moment; --lock makes one by a SHARE lock on the views'
tables: readers go on, writers wait for the few milliseconds that the outputs need
to catch up.

The queries are run in full, and their snapshot holds back VACUUM meanwhile.

Exit status: 0 all are equal, 1 one differs or could not be compared.`,
		Example: `  stepping-cdc verify
  stepping-cdc verify revenue_by_region --json
  stepping-cdc verify --lock --timeout 1m`,
		ValidArgsFunction: completeViews,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			opts.Views = args
			if lsn != "" {
				if opts.LSN, err = decode.ParseLSN(lsn); err != nil {
					return fmt.Errorf("--lsn: %q is no position like 0/1A2B3C4", lsn)
				}
			}
			result, err := verify.Views(cmd.Context(), cfg, opts)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), result)
			} else {
				printVerification(cmd.OutOrStdout(), result)
			}
			if err == nil && !result.Equal() {
				err = errSaid
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the outcome as JSON")
	f.BoolVar(&opts.Lock, "lock", false, "hold up writers of the source tables while the outputs catch up")
	f.BoolVar(&opts.AtRest, "at-rest", false, "compare at once: for a source that does not change and outputs that nobody writes")
	f.DurationVar(&opts.Timeout, "timeout", 30*time.Second, "how long to wait for the outputs, and for a moment in which nothing is under way")
	f.StringVar(&lsn, "lsn", "", "wait for this `LSN`, not for everything committed so far")
	f.IntVar(&opts.Samples, "samples", 5, "how many rows that differ to show of each view")
	return cmd
}

func printVerification(w io.Writer, v *verify.Result) {
	width := 0
	for _, x := range v.Views {
		width = max(width, len(x.View))
	}
	for _, x := range v.Views {
		fmt.Fprintf(w, "%-*s  %s", width, x.View, x.Verdict)
		switch {
		case x.Verdict == verify.Equal:
			fmt.Fprintf(w, "  %d rows", x.OutputRows)
		case x.Verdict == verify.Differs:
			fmt.Fprintf(w, "  %d rows, the query %d: %d missing, %d too many", x.OutputRows, x.QueryRows, x.Missing, x.Extra)
		}
		if x.Similar > 0 {
			fmt.Fprintf(w, "  (%d equal but for scale or rounding)", x.Similar)
		}
		if x.State != "" {
			fmt.Fprintf(w, "  (the view is %s)", x.State)
		}
		if x.Error != "" {
			fmt.Fprintf(w, "  %s", x.Error)
		}
		fmt.Fprintln(w)
		for _, s := range x.Samples {
			fmt.Fprintf(w, "    %-7s ×%d  %s\n", s.Side, s.Copies, rowText(s.Row))
		}
	}
	if v.Equal() {
		fmt.Fprintf(w, "equal at %s\n", v.Position)
	} else {
		fmt.Fprintf(w, "not equal at %s\n", v.Position)
	}
}

func rowText(row []*string) string {
	fields := make([]string, len(row))
	for i, f := range row {
		fields[i] = "NULL"
		if f != nil {
			fields[i] = fmt.Sprintf("%.80q", *f)
		}
	}
	return "(" + strings.Join(fields, ", ") + ")"
}
