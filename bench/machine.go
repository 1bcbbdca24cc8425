package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine describes where the figures were taken.
type machine struct {
	cpu           string
	memory        string
	postgres      string
	before, after string // load averages
}

func describeMachine(postgres string) machine {
	m := machine{cpu: fmt.Sprintf("%d × %s", runtime.NumCPU(), runtime.GOARCH), postgres: postgres, before: loadAverage()}
	if model := procField("/proc/cpuinfo", "model name"); model != "" {
		m.cpu = fmt.Sprintf("%d × %s", runtime.NumCPU(), model)
	}
	if kb, err := strconv.ParseFloat(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.memory = fmt.Sprintf("%.0f GB of memory", kb/(1<<20))
	}
	return m
}

func (m machine) String() string {
	parts := []string{m.cpu}
	if m.memory != "" {
		parts = append(parts, m.memory)
	}
	parts = append(parts, runtime.GOOS, "PostgreSQL "+m.postgres, runtime.Version())
	return strings.Join(parts, ", ")
}

// procField is the first value of a name in a file of lines "name: value".
func procField(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "" // not Linux
	}
	for text := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(text, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// loadAverage is how busy the machine is, "" where it cannot be known.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(b))[:2], " ")
}

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// stat is what /proc says of a process.
type stat struct {
	parent int
	own    time.Duration // CPU time of its own
	reaped time.Duration // and of its children that ended
}

// readStat reads /proc/PID/stat (proc_pid_stat(5)); false where there is none.
func readStat(pid int) (stat, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	// The name, in parentheses, may contain anything.
	text := string(b)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	var n [4]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(f[11+i], 10, 64); err != nil {
			return stat{}, false
		}
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return stat{}, false
	}
	return stat{parent, time.Duration(n[0]+n[1]) * tick, time.Duration(n[2]+n[3]) * tick}, true
}

// cpuOf is a process's CPU time so far.
func cpuOf(pid int) time.Duration {
	s, _ := readStat(pid)
	return s.own
}

// cpuOfTree is the CPU time of a process and all its children, dead or alive:
// for a postmaster, of the whole server.
func cpuOfTree(root int) time.Duration {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for {
		before, ok := readStat(root)
		total := before.own + before.reaped
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			if child, ok := readStat(pid); ok && child.parent == root {
				total += child.own
			}
		}
		// A child that was reaped meanwhile may be in neither sum.
		if after, _ := readStat(root); !ok || after.reaped == before.reaped {
			return total
		}
		if entries, err = os.ReadDir("/proc"); err != nil {
			return 0
		}
	}
}

// memoryOf is how much memory a process has now, and had at most, in MB; 0 where it
// cannot be known.
func memoryOf(pid int) (now, most float64) {
	field := func(name string) float64 {
		kb, err := strconv.ParseFloat(strings.TrimSuffix(procField(fmt.Sprintf("/proc/%d/status", pid), name), " kB"), 64)
		if err != nil {
			return 0
		}
		return kb / 1024
	}
	return field("VmRSS"), field("VmHWM")
}

// forgetPeak has the kernel count the most memory of a process anew.
func forgetPeak(pid int) {
	// Where that is not possible, the peak is that of the whole life.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
