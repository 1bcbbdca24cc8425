package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

func (f *fixture) status(probe bool) *pipeline.Status {
	f.t.Helper()
	s, err := pipeline.ReadStatus(f.t.Context(), f.cfg, probe)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func TestStatusThroughALife(t *testing.T) {
	f := newFixture(t, pairs, "v: SELECT g, sum(10 / (g + 1)) FROM a GROUP BY g", "w: SELECT k FROM a")
	if s := f.status(true); s.Healthy() || len(s.Problems) != 3 || s.Views[0].State != "absent" || s.Slot != nil {
		t.Errorf("before the first run: %+v", s)
	}
	stop := f.start()
	f.exec(`INSERT INTO a VALUES (100, 1, 1, 1)`)
	s := f.status(true)
	if !s.Healthy() || s.LagBytes != 0 || s.LagSeconds > 1.9 || s.StateBytes == 0 || !s.Slot.Active {
		t.Errorf("running: %+v", s)
	}
	if s.Views[1].Rows != 31 || s.Views[1].State != "live" {
		t.Errorf("running: %+v", s.Views)
	}
	f.exec(`UPDATE a SET g = -1 WHERE k = 1`)
	s = f.status(true)
	if s.Healthy() || s.Views[0].State != "errored" || s.Views[0].ErrorRows == 0 || !strings.Contains(strings.Join(s.Problems, "\n"), "view v is errored") {
		t.Errorf("errored: %+v", s)
	}
	f.exec(`DELETE FROM a WHERE k = 1`)
	if s = f.status(true); !s.Healthy() {
		t.Errorf("recovered: %+v", s)
	}
	stop()
	f.exec(`INSERT INTO a VALUES (101, 1, 1, 1)`)
	start := time.Now()
	s = f.status(true)
	if s.Healthy() || s.Slot.Active || s.LagBytes <= 0 {
		t.Errorf("stopped: %+v", s)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("waited %s for an instance that is not there", took)
	}
}
