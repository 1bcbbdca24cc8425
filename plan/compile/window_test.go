package compile

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
)

// TestWindowFuncs: what the algebra has is what can be computed.
func TestWindowFuncs(t *testing.T) {
	for _, f := range algebra.WindowFuncs {
		if windowFuncs[f] == nil {
			t.Errorf("%s is not computed", f)
		}
	}
	if len(windowFuncs) != len(algebra.WindowFuncs) {
		t.Errorf("%d functions are computed, the algebra has %d", len(windowFuncs), len(algebra.WindowFuncs))
	}
}
