package state_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// The tests here kill a child process in the middle of writing, or damage the
// files it left, and check that what opens is exactly the state after one
// commit, the one its position names: recomputed from the seed, byte by byte.

const crashDirEnv = "STATE_CRASH_DIR"

var positionKey = state.MetaKey("position")

// crashWrites are the writes of a commit, a function of its number alone. Keys
// are few, so that weights come and go and values are overwritten.
func crashWrites(step uint64, b state.Batch) {
	r := rand.New(rand.NewPCG(step, 42))
	n := 1 + r.IntN(40)
	if step%50 == 0 {
		n = 2000
	}
	filler := make([]byte, 200)
	for range n {
		k := r.IntN(3000)
		switch r.IntN(10) {
		case 0:
			b.Delete(fmt.Appendf(nil, "v%05d", k))
		case 1, 2, 3:
			binary.BigEndian.PutUint64(filler, r.Uint64())
			b.Set(fmt.Appendf(nil, "v%05d", k), filler)
		case 4:
			if r.IntN(20) == 0 {
				b.DeleteRange(fmt.Appendf(nil, "w%05d", k), fmt.Appendf(nil, "w%05d", k+100))
			}
		default:
			b.AddWeight(fmt.Appendf(nil, "w%05d", k), int64(r.IntN(5)-2))
		}
	}
	state.SetUint64(b, positionKey, step)
}

// crashLoad begins and ends loads between commits, some of them empty.
func crashLoad(step uint64, s *state.Disk) {
	switch step % 64 {
	case 20, 21, 60:
		s.StartLoad()
	case 45, 61:
		s.EndLoad(context.Background(), 0)
	}
}

// model is what a store holds after the first steps, in memory.
type model struct {
	s    *state.Memory
	step uint64
}

func newModel() *model { return &model{s: state.NewMemory(state.Options{})} }

func (m *model) advance(t testing.TB, to uint64) {
	t.Helper()
	b := m.s.NewBatch()
	for m.step < to {
		m.step++
		crashWrites(m.step, b)
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// crashChild opens the store, says so, and writes from its position on until
// it is killed.
func crashChild(dir string) {
	s, err := state.Open(dir, small)
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(0)
	}
	position, _, err := state.GetUint64(s, positionKey)
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(0)
	}
	fmt.Println("open at", position)
	b := s.NewBatch()
	for step := position + 1; ; step++ {
		crashLoad(step, s)
		crashWrites(step, b)
		if _, err := b.Commit(); err != nil {
			fmt.Println("commit:", err)
			os.Exit(1)
		}
		if step%37 == 0 {
			if err := s.StartFlush(); err != nil {
				fmt.Println("flush:", err)
				os.Exit(1)
			}
		}
		if step%100 == 0 {
			if err := s.Flush(context.Background()); err != nil {
				fmt.Println("flush:", err)
				os.Exit(1)
			}
			fmt.Println("durable", step)
		}
	}
}

func child(dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir)
	return cmd
}

// childOpens starts a child that is expected to be refused.
func childOpens(t *testing.T, dir string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// crash runs a child for a while, kills it, and returns the last step it said
// was durable.
func crash(t *testing.T, dir string, after time.Duration) (durable uint64) {
	t.Helper()
	cmd := child(dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	opened := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "open at") && !opened {
			opened = true
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		} else if _, err := fmt.Sscanf(line, "durable %d", &durable); err != nil {
			t.Errorf("child says %q", line)
		}
	}
	if !opened {
		t.Fatal("the child did not open the store")
	}
	cmd.Wait() // killed
	return durable
}

// check opens the store and compares it with the model at its position.
func check(t *testing.T, dir string, m *model) (position uint64, err error) {
	t.Helper()
	return checkFS(t, dir, small, m)
}

func checkFS(t *testing.T, dir string, o state.Options, m *model) (position uint64, err error) {
	t.Helper()
	s, err := state.Open(dir, o)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	position, _, err = state.GetUint64(s, positionKey)
	if err != nil {
		return 0, err
	}
	if position != s.Committed() {
		t.Fatalf("position %d, yet %d commits", position, s.Committed())
	}
	if position < m.step {
		*m = *newModel()
	}
	m.advance(t, position)
	got, want := s.NewIter([]byte{1}, nil), m.s.NewIter([]byte{1}, nil)
	defer got.Close()
	defer want.Close()
	g, w := got.First(), want.First()
	for g && w {
		if string(got.Key()) != string(want.Key()) || string(got.Value()) != string(want.Value()) {
			t.Fatalf("at position %d: %q = %x, want %q = %x", position, got.Key(), got.Value(), want.Key(), want.Value())
		}
		g, w = got.Next(), want.Next()
	}
	if err := got.Error(); err != nil {
		return position, err
	}
	if g || w {
		t.Fatalf("at position %d: one ends early (disk %v, model %v)", position, g, w)
	}
	return position, nil
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	m := newModel()
	rounds, last := 12, uint64(0)
	for round := range rounds {
		durable := crash(t, dir, time.Duration(20+rand.IntN(150))*time.Millisecond)
		position, err := check(t, dir, m)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if position < durable || position < last {
			t.Fatalf("round %d: back at %d; %d was durable, %d before", round, position, durable, last)
		}
		last = position
	}
	if last == 0 {
		t.Fatal("no step ever survived: the test shows nothing")
	}
	t.Logf("%d kills, position %d", rounds, last)
}

// TestPowerCut cuts the power in the middle of writing: of what was not synced
// to the disk, a random part is there afterwards. Nothing durable is lost.
func TestPowerCut(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small
	o.FS = fs
	s, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		b := s.NewBatch()
		for step := uint64(1); ; step++ {
			select {
			case <-stop:
				done <- b.Close()
				return
			default:
			}
			crashLoad(step, s)
			crashWrites(step, b)
			_, err := b.Commit()
			if err == nil && step%5 == 0 {
				err = s.StartFlush()
			}
			if err != nil {
				done <- err
				return
			}
			time.Sleep(time.Millisecond) // the model has to follow
		}
	}()
	m := newModel()
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	cuts := 0
	for ; cuts < 10; cuts++ {
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
		durable := s.Durable()
		after := o
		after.FS = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		position, err := checkFS(t, "state", after, m)
		if err != nil || position < durable {
			t.Fatalf("after cut %d: %v, at %d where %d was durable", cuts, err, position, durable)
		}
	}
	close(stop)
	if err := errors.Join(<-done, s.Close()); err != nil {
		t.Fatal(err)
	}
	if m.step == 0 {
		t.Fatal("no step ever survived: the test shows nothing")
	}
	t.Logf("%d cuts, position %d", cuts, m.step)
}

// TestDamage damages files of a killed store: cut off, zeroed, bits flipped. It
// must open at a commit (an earlier one is fine) or say that it is damaged.
func TestDamage(t *testing.T) {
	origin := t.TempDir()
	for range 3 {
		crash(t, origin, 150*time.Millisecond)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	m := newModel()
	damaged, survived := 0, 0
	for round := range 60 {
		dir := filepath.Join(t.TempDir(), "state")
		if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
			t.Fatal(err)
		}
		all := files(t, dir, "*")
		path := all[r.IntN(len(all))]
		what := damage(t, r, path)
		position, err := check(t, dir, m)
		switch {
		case errors.Is(err, state.ErrCorrupt), errors.Is(err, state.ErrNewer):
			damaged++
		case err != nil:
			t.Fatalf("round %d, %s %s: %v is not classed", round, filepath.Base(path), what, err)
		default:
			survived++
			_ = position
		}
	}
	if damaged == 0 || survived == 0 {
		t.Fatalf("%d reported, %d survived: the damage was not varied enough", damaged, survived)
	}
	t.Logf("%d reported, %d opened at a commit", damaged, survived)
}

func damage(t *testing.T, r *rand.Rand, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	what := "emptied"
	if len(b) > 0 {
		at := r.IntN(len(b))
		switch r.IntN(4) {
		case 0:
			what, b = fmt.Sprintf("cut at %d of %d", at, len(b)), b[:at]
		case 1:
			what = fmt.Sprintf("zeroed from %d of %d", at, len(b))
			clear(b[at:min(at+512, len(b))])
		case 2:
			what = fmt.Sprintf("bit flipped at %d of %d", at, len(b))
			b[at] ^= 1 << r.IntN(8)
		default:
			b = nil
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return what
}
