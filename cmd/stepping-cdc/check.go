package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/pipeline/check"
)

func checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what is fine and what is not, with place and remedy; changes nothing",
		Long: `Looks at the configuration, at what logical replication needs of the source, at
every view, at the rights of the role and at the state's folder, and reports
everything at once: what is fine, and what is not, with its place and its remedy.
It changes nothing.

Exit status: 0 nothing is wrong, 1 something is.`,
		Example: `  stepping-cdc check
  stepping-cdc check --json | jq -r '.findings[] | select(.ok | not) | .remedy'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var report *check.Report
			if cfg, err := load(cmd); err != nil {
				report = check.Config(err)
			} else {
				report = check.Run(cmd.Context(), cfg)
			}
			if asJSON {
				if err := writeJSON(cmd.OutOrStdout(), report); err != nil {
					return err
				}
			} else {
				printReport(cmd.OutOrStdout(), report)
			}
			if report.Problems() > 0 {
				return errSaid
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

func printReport(w io.Writer, r *check.Report) {
	for _, f := range r.Findings {
		if f.OK {
			fmt.Fprintln(w, "ok   ", f)
		}
	}
	for _, f := range r.Findings {
		if f.OK {
			continue
		}
		fmt.Fprintln(w, "WRONG", f)
		if f.Remedy != "" {
			fmt.Fprintln(w, "      →", f.Remedy)
		}
	}
	switch n := r.Problems(); n {
	case 0:
		fmt.Fprintln(w, "nothing is wrong")
	case 1:
		fmt.Fprintln(w, "1 problem")
	default:
		fmt.Fprintln(w, n, "problems")
	}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
