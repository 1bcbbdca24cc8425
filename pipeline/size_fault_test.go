package pipeline

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// peak is the largest resident size a process has had, in bytes; 0 where /proc does
// not tell.
func peak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	field, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kb, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

// memoryCap is what a child may take at most: what docs/configuration.md says, and
// something for what the tests' binary has beside the program's.
const memoryCap = childMemory*5/4 + 120<<20

// TestTransactionLargerThanMemory: one transaction of ten times the memory limit, one
// of 10,000 savepoints, half of them rolled back, and small messages by which as many
// rows go again: a DELETE, many of them one after another, a TRUNCATE.
func TestTransactionLargerThanMemory(t *testing.T) {
	t.Parallel()
	const bytes, savepoints = 10 * childMemory, 10_000
	srv := embedded.StartForTest(t, embedded.Options{})
	w := newWorldOn(t, srv.NewDB(t), `CREATE TABLE wide (id int8 PRIMARY KEY, g int, body text);
		CREATE TABLE kept (a int, b text); ALTER TABLE kept REPLICA IDENTITY FULL`)
	w.view("groups", `SELECT g, count(*) AS n, sum(length(body)) AS s FROM wide GROUP BY g`)
	w.view("ends", `SELECT id, right(body, 8) AS e FROM wide WHERE id % 16 = 0`)
	w.view("all_kept", `SELECT a, b FROM kept`)
	c := w.child(childOptions{ChunkBytes: 1 << 20})
	c.awaitLive(t)
	const width = 4000
	began := time.Now()
	w.exec(`INSERT INTO wide SELECT i, i % 100, repeat(md5(i::text), $2) FROM generate_series(1, $1::int) i`, bytes/width, width/32)
	w.wait()
	t.Logf("%d MiB in one transaction: %s, peak of %d MiB", bytes>>20, time.Since(began).Round(time.Millisecond), peak(c.cmd.Process.Pid)>>20)
	w.exec(fmt.Sprintf(`DO $$ BEGIN
		FOR i IN 1..%d LOOP
			BEGIN
				INSERT INTO kept SELECT i, 'k' || j FROM generate_series(1, 5) j;
				UPDATE wide SET g = g + 1 WHERE id = i;
				IF i %% 2 = 0 THEN RAISE EXCEPTION 'half'; END IF;
			EXCEPTION WHEN raise_exception THEN NULL;
			END;
		END LOOP; END $$`, savepoints))
	for _, sql := range []string{
		`DELETE FROM wide WHERE id % 3 = 0`,
		`DO $$ BEGIN FOR i IN 0..19 LOOP DELETE FROM wide WHERE id % 3 = 1 AND id % 20 = i; COMMIT; END LOOP; END $$`,
		`TRUNCATE wide`,
	} {
		began := time.Now()
		w.exec(sql)
		w.wait()
		t.Logf("%s: %s, peak of %d MiB", sql, time.Since(began).Round(time.Millisecond), peak(c.cmd.Process.Pid)>>20)
		for _, v := range w.views {
			w.compare(v.Name)
		}
	}
	c.running(t)
	if got := peak(c.cmd.Process.Pid); got > memoryCap {
		t.Errorf("peak of %d MiB, more than %d MiB", got>>20, memoryCap>>20)
	} else {
		t.Logf("peak of %d MiB in all", got>>20)
	}
	c.kill()
}
