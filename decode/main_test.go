package decode_test

import (
	"os"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }
