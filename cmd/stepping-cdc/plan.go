package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

func planCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "plan [VIEW]",
		Short: "Show the circuit of a view and the state that each operator keeps",
		Long: `Shows the circuit that keeps a view, or each of the views: its operators, the state
that each of them keeps, and the functions that Postgres evaluates because there
is no native implementation. It asks the source what the query means and changes
nothing.`,
		Example: `  stepping-cdc plan revenue_by_region
  stepping-cdc plan revenue_by_region --format svg > plan.svg
  stepping-cdc plan revenue_by_region --format mermaid`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeViews,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			plans, err := pipeline.Explain(cmd.Context(), cfg, format, args...)
			for _, p := range plans {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, dot, mermaid or svg")
	return cmd
}
