package main

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/res"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
)

const (
	// soakShort is how long TestSoak runs unless SOAK says otherwise.
	soakShort = 20 * time.Second
	// soakLong is from when on the strict limits hold: before, the Go runtime
	// is still finding out how much memory it needs.
	soakLong = 5 * time.Minute
)

// sample is what one process uses at one time.
type sample struct{ rss, threads, goroutines, heap int }

// Two processes share a scrolling terminal for a while: neither grows, the
// picture is right in the end, and nothing is left of them.
func TestSoak(t *testing.T) {
	length := soakShort
	if s := os.Getenv("SOAK"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal("SOAK: ", err)
		}
	}
	if testing.Short() {
		t.Skip("it takes ", length)
	}
	size := image.Pt(800, 600)
	bin := buildViewflip(t)
	from, to := displays(t)
	term := startTerminal(t, from, "Terminal", size)
	awaitWindow(t, from, "Terminal")
	counted := func() [2]int { return [2]int{clients(t, from), clients(t, to)} }
	before := counted()

	every := min(length/20, 10*time.Second)
	c := startCall(t, bin, from, to, "Terminal", size.X, size.Y, every)
	source := watch(t, from.Name())
	if !source.find(size.X, size.Y) {
		t.Fatal("the terminal is not there")
	}
	processes := map[string]*process{"sharer": c.sharer, "viewer": c.viewer}
	got := map[string][]sample{}
	next := time.Now().Add(every)
	for n, end := 0, time.Now().Add(length); time.Now().Before(end); n++ {
		term.line(n)
		time.Sleep(50 * time.Millisecond)
		if time.Now().Before(next) {
			continue
		}
		next = next.Add(every)
		for name, p := range processes {
			if lines := p.lines(time.Time{}); len(lines) > 0 {
				s := lines[len(lines)-1]
				got[name] = append(got[name], sample{p.status("VmRSS"), p.status("Threads"), s.Goroutines, s.Heap >> 10})
			}
		}
	}
	platformtest.Eventually(t, "the viewer to show the same", func() bool {
		return samePixels(source.read(image.Rectangle{Max: size}), c.glass.read(image.Rectangle{Max: size}))
	})
	source.close()
	for name, samples := range got {
		judge(t, name, samples, length >= soakLong)
	}

	pids := []int{c.sharer.cmd.Process.Pid, c.viewer.cmd.Process.Pid}
	guardians := children(t, pids[0])
	if kids := children(t, pids[1]); len(guardians) != 1 || len(kids) != 0 {
		t.Errorf("the sharer has children %v and not just a guardian; the viewer has %v", guardians, kids)
	}
	c.stop()
	for _, pid := range guardians {
		if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid))); err == nil {
			t.Errorf("process %d was left", pid)
		}
	}
	for _, pid := range pids {
		if n := segments(t, pid); n > 0 {
			t.Errorf("process %d left %d segments of shared memory", pid, n)
		}
	}
	// The server frees everything with the client that made it.
	platformtest.Eventually(t, "the clients to be gone", func() bool { return counted() == before })
}

// judge compares the third quarter with the last one. The half before is
// warm-up: the sharer keeps its last 8192 packets for those who missed them,
// and at a few packets a second it takes minutes to have that many.
func judge(t *testing.T, name string, s []sample, strict bool) {
	t.Helper()
	if len(s) < 8 {
		t.Fatalf("%s: only %d samples", name, len(s))
	}
	q := len(s) / 4
	for _, x := range []struct {
		what  string
		of    func(sample) int
		fixed int // allowed growth
		part  int // and in percent
	}{
		{"resident kB", func(s sample) int { return s.rss }, 4 << 10, 5},
		{"threads", func(s sample) int { return s.threads }, 2, 0},
		{"goroutines", func(s sample) int { return s.goroutines }, 2, 0},
	} {
		early, late := median(s[2*q:3*q], x.of), median(s[len(s)-q:], x.of)
		fmt.Printf("soak: %s: %s %d early, %d late, of %d samples\n", name, x.what, early, late, len(s))
		limit := early + x.fixed + early*x.part/100
		if !strict && x.what == "resident kB" {
			limit = early * 3 / 2
		}
		if late > limit {
			t.Errorf("%s: %s grew from %d to %d: %v", name, x.what, early, late, s)
		}
	}
	heap := func(s sample) int { return s.heap }
	fmt.Printf("soak: %s: heap kB %d early, %d late\n", name, median(s[2*q:3*q], heap), median(s[len(s)-q:], heap))
}

func median(s []sample, of func(sample) int) int {
	v := make([]int, len(s))
	for i, x := range s {
		v[i] = of(x)
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// samePixels compares two pictures but for the fourth byte, which means nothing.
func samePixels(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if i%4 != 3 && a[i] != b[i] {
			return false
		}
	}
	return true
}

// clients is how many clients a display has.
func clients(t *testing.T, d *virtual.Display) int {
	t.Helper()
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Require(x11.Extension("X-Resource")); err != nil {
		t.Fatal(err)
	}
	r, err := res.QueryClients(c.Conn).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return int(r.NumClients)
}

// children are the processes whose parent is pid.
func children(t *testing.T, pid int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			out = append(out, n)
		}
	}
	return out
}

// segments is how many System V segments a process made that still exist.
func segments(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		const creator = 4 // key shmid perms size cpid …
		if f := strings.Fields(line); len(f) > creator && f[creator] == strconv.Itoa(pid) {
			n++
		}
	}
	return n
}
