package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

func dropCommand() *cobra.Command {
	var outputs, yes bool
	cmd := &cobra.Command{
		Use:   "drop",
		Short: "Remove the slot, the publication, the control schema and the state",
		Long: `Removes what stepping-cdc has made: the replication slot, the publication (unless
source.manage_publication is false), the control schema stepping_cdc and the local
state. With --outputs the output tables go as well; without, they stay as they are,
and are no longer kept up to date.

It refuses while "stepping-cdc run" is running. The source's tables are not touched.`,
		Example: `  stepping-cdc drop
  stepping-cdc drop --outputs --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			if !yes {
				what := "slot, publication, control schema and state"
				if outputs {
					what += " and all output tables"
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "Remove %s of %s? [y/N] ", what, cfg.Path)
				if !isTerminal(os.Stdin) {
					fmt.Fprintln(cmd.ErrOrStderr())
					return fmt.Errorf("nobody is there to answer: say --yes")
				}
				answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
				if err != nil || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
					return fmt.Errorf("nothing was removed")
				}
			}
			n := 0
			err = pipeline.Drop(cmd.Context(), cfg, outputs, func(what string) {
				n++
				fmt.Fprintln(cmd.OutOrStdout(), "removed", what)
			})
			if err == nil && n == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "there was nothing to remove")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&outputs, "outputs", false, "remove the output tables as well")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
