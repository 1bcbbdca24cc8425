package pipeline

import (
	"errors"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestDriftsBesideErrors: a session that ends with another error has all views loaded anew whose
// outputs were found changed, also by the output commit that was under way.
func TestDriftsBesideErrors(t *testing.T) {
	for _, cause := range []error{errors.New("connection lost"), &reloadError{cause: "moved", views: []string{"c"}}} {
		store, err := state.Open(t.TempDir(), state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := &engine{
			store: store, batch: store.NewBatch(), writing: make(chan error, 1),
			manifest: &manifest{Generations: []generationInfo{{Views: []viewInfo{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}}}},
		}
		e.writing <- errors.Join(&sink.DriftError{View: "a"}, &sink.DriftError{View: "b"})
		if err := e.repair(t.Context(), withDrifts(cause, e.drain())); !errors.Is(err, cause) || len(sink.Drifts(err)) != 2 {
			t.Errorf("the session ends with %v", err)
		}
		read, err := readManifest(store)
		if err != nil {
			t.Fatal(err)
		}
		anew := ""
		for _, v := range read.Generations[0].Views {
			if v.Forgotten {
				anew += v.Name
			}
		}
		want := "ab"
		var reload *reloadError
		if errors.As(cause, &reload) {
			want = "abc"
		}
		if anew != want {
			t.Errorf("after %q, %q are loaded anew, not %q", cause, anew, want)
		}
		if err := errors.Join(e.batch.Close(), store.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
