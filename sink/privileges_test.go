package sink

import (
	"errors"
	"testing"
	"time"
)

// TestDefaultPrivileges: a table appears with the privileges that the schema it
// appears in gives to new ones, and keeps those that it has when it is replaced.
func TestDefaultPrivileges(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE SCHEMA out; CREATE ROLE "de fault"; CREATE ROLE other_maker;
		ALTER DEFAULT PRIVILEGES IN SCHEMA out GRANT SELECT, INSERT ON TABLES TO "de fault" WITH GRANT OPTION;
		ALTER DEFAULT PRIVILEGES IN SCHEMA out GRANT SELECT ON TABLES TO PUBLIC;
		ALTER DEFAULT PRIVILEGES FOR ROLE other_maker IN SCHEMA out GRANT DELETE ON TABLES TO PUBLIC;
		CREATE TABLE src (a int, b int)`)
	defer e.exec(`DROP OWNED BY "de fault", other_maker; DROP ROLE "de fault", other_maker`)
	publish := func() {
		t.Helper()
		built, err := e.s.Create(e.ctx, e.spec("v", "src", nil))
		e.must(err)
		tx, err := e.s.Begin(e.ctx, e.s.pos)
		e.must(err)
		e.must(tx.Publish(e.ctx, built))
		e.must(tx.Commit(e.ctx, e.after(1), time.Now()))
	}
	privileges := func() string {
		return e.text(`SELECT string_agg(CASE WHEN p.grantee = 0 THEN 'public' ELSE p.grantee::regrole::text END || ' ' || p.privilege_type || CASE WHEN p.is_grantable THEN '*' ELSE '' END, ', '
			ORDER BY p.grantee <> 0, p.privilege_type) FROM pg_class, aclexplode(relacl) p WHERE oid = 'out.v'::regclass AND p.grantee <> relowner`)
	}
	publish()
	if got, want := privileges(), `public SELECT, "de fault" INSERT*, "de fault" SELECT*`; got != want {
		t.Errorf("privileges %s, want %s", got, want)
	}
	e.exec(`REVOKE SELECT ON out.v FROM PUBLIC`)
	publish()
	if got, want := privileges(), `"de fault" INSERT*, "de fault" SELECT*`; got != want {
		t.Errorf("privileges of the one that replaces it %s, want %s", got, want)
	}
}

// TestUnfitDeltas: a change that contradicts itself, or that the server does not take
// for its size, is the one view's fault.
func TestUnfitDeltas(t *testing.T) {
	e := setup(t)
	live := e.ints("v", []int{0})
	for _, rows := range [][][]int64{{{1, 1, 2}}, {{1, 1, -2}}, {{1, 1, -1}, {1, 2, -1}}, {{1, 1, -1}, {1, 2, 1}, {1, 3, 1}}} {
		var unfit *ViewError
		if err := e.s.Apply(e.ctx, e.next(ViewDelta{live, ints(2, rows...)})); !errors.As(err, &unfit) || unfit.View != "v" {
			t.Errorf("%v: %v", rows, err)
		} else if Retryable(err) {
			t.Errorf("%v is retryable", err)
		}
	}
}
