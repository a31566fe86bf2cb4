package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"viewflip.app/platform/platformtest"
)

// patience bounds every wait for a process.
const patience = 30 * time.Second

// process is a program, a viewflip as a rule, that was started as its users do.
type process struct {
	tb   testing.TB
	cmd  *exec.Cmd
	out  chan map[string]any // events of "share --json"
	done chan struct{}

	mu     sync.Mutex
	stats  []stat
	stderr []string
}

// stat is one line of VIEWFLIP_STATS.
type stat struct {
	Time           time.Time
	Msg            string
	Goroutines     int
	Heap           int
	Sent, Received int
}

// buildViewflip compiles the program and returns its path.
func buildViewflip(tb testing.TB) string {
	tb.Helper()
	bin := filepath.Join(tb.TempDir(), "viewflip")
	cmd := exec.Command("go", "build", "-tags", "x11", "-o", bin, "viewflip.app/cmd/viewflip")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// startViewflip starts the program with its statistics on. It is ended with the
// test at the latest.
func startViewflip(tb testing.TB, bin string, env []string, every time.Duration, args ...string) *process {
	tb.Helper()
	return startProcess(tb, append(env, "HOME="+tb.TempDir(), "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "VIEWFLIP_KEYCHAIN=memory",
		"VIEWFLIP_SERVICE=", "VIEWFLIP_ADVERTISE=", "VIEWFLIP_LISTEN=127.0.0.1:0", "VIEWFLIP_STATS="+every.String()), bin, args...)
}

// startProcess starts any program, and ends it with the test at the latest.
func startProcess(tb testing.TB, env []string, bin string, args ...string) *process {
	tb.Helper()
	p := &process{tb: tb, cmd: exec.Command(bin, args...), out: make(chan map[string]any, 256), done: make(chan struct{})}
	p.cmd.Env = env
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { p.readEvents(stdout) })
	readers.Go(func() { p.readStats(stderr) })
	go func() {
		defer close(p.done)
		readers.Wait()
		_ = p.cmd.Wait() // the state tells
	}()
	tb.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

func (p *process) readEvents(r io.Reader) {
	defer close(p.out)
	for s := bufio.NewScanner(r); s.Scan(); {
		m := map[string]any{}
		if json.Unmarshal(s.Bytes(), &m) == nil {
			select {
			case p.out <- m:
			default: // nobody listens any more
			}
		}
	}
}

func (p *process) readStats(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		var x stat
		isStat := json.Unmarshal(s.Bytes(), &x) == nil && x.Msg == "stats"
		p.mu.Lock()
		if isStat {
			p.stats = append(p.stats, x)
		} else {
			p.stderr = append(p.stderr, s.Text())
		}
		p.mu.Unlock()
	}
}

// await returns the next event of a kind.
func (p *process) await(kind string) map[string]any {
	p.tb.Helper()
	limit := time.After(patience)
	for {
		select {
		case m, ok := <-p.out:
			if !ok {
				p.tb.Fatalf("viewflip ended before event %q: %s", kind, p.said())
			}
			if m["event"] == kind {
				return m
			}
		case <-limit:
			p.tb.Fatalf("no event %q: %s", kind, p.said())
		}
	}
}

// said is what the process wrote to stderr beyond statistics.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.stderr, "\n")
}

// lines are the statistics that were written since.
func (p *process) lines(since time.Time) []stat {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []stat
	for _, s := range p.stats {
		if s.Time.After(since) {
			out = append(out, s)
		}
	}
	return out
}

// stop ends the process as a desktop does, and fails if it does not go well.
func (p *process) stop() {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.tb.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.tb.Fatal("viewflip did not end: ", p.said())
	}
	if s := p.cmd.ProcessState; !s.Success() {
		p.tb.Errorf("viewflip ended with %v: %s", s, p.said())
	}
}

// cpu is the processor time used so far: utime and stime of proc(5).
func (p *process) cpu() time.Duration {
	p.tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name may contain anything
	f := strings.Fields(rest)
	const utime, stime, tick = 11, 12, 10 * time.Millisecond // USER_HZ is 100
	u, err1 := strconv.Atoi(f[utime])
	s, err2 := strconv.Atoi(f[stime])
	if err1 != nil || err2 != nil {
		p.tb.Fatal(err1, err2)
	}
	return time.Duration(u+s) * tick
}

// status reads a number from /proc/PID/status, such as VmRSS in kB.
func (p *process) status(field string) int {
	p.tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				p.tb.Fatal(err)
			}
			return n
		}
	}
	p.tb.Fatal("no ", field)
	return 0
}

// realCall is a window shared by one process on one display and shown by
// another on a second one.
type realCall struct {
	sharer, viewer *process
	glass          *watched
}

// startCall shares the window with a title and waits until it is seen.
func startCall(tb testing.TB, bin string, from, to interface {
	Name() string
	Env() []string
}, title string, w, h int, every time.Duration) *realCall {
	tb.Helper()
	c := &realCall{}
	c.sharer = startViewflip(tb, bin, from.Env(), every, "share", "--json", "--grant", "control", "--window", title, "--name", "Anna")
	link, _ := c.sharer.await("link")["link"].(string)
	c.viewer = startViewflip(tb, bin, to.Env(), every, "join", link, "--name", "Ben")
	c.sharer.await("watching")
	c.glass = watch(tb, to.Name())
	platformtest.Eventually(tb, "the viewer's picture", func() bool { return c.glass.find(w, h) })
	return c
}

func (c *realCall) stop() {
	c.glass.close()
	c.viewer.stop()
	c.sharer.stop()
}
