//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// patience bounds everything that must happen; nothing waits that long.
const patience = 30 * time.Second

// process is a viewflipd of its own.
type process struct {
	tb      testing.TB
	args    []string
	admin   string // where its metrics are
	service wire.Service
	cmd     *exec.Cmd
	log     *output
}

// output is what a process wrote.
type output struct {
	mu   sync.Mutex
	text strings.Builder
	done chan struct{} // closed at its end
}

// follow reads until the end. It goes on after a first line, too.
func follow(r io.Reader) *output {
	o := &output{done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for s := bufio.NewScanner(r); s.Scan(); {
			o.mu.Lock()
			o.text.WriteString(s.Text() + "\n")
			o.mu.Unlock()
		}
	}()
	return o
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// count is how many lines have all the parts.
func (o *output) count(parts ...string) (n int) {
lines:
	for line := range strings.Lines(o.String()) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue lines
			}
		}
		n++
	}
	return n
}

// startProcess runs "viewflipd serve" on loopback until the end of the test.
func startProcess(tb testing.TB, args ...string) *process {
	tb.Helper()
	p := &process{tb: tb, admin: freePort(tb)}
	p.args = append([]string{"serve", "--listen", "127.0.0.1:0", "--relay", "off", "--admin", p.admin}, args...)
	p.start()
	tb.Cleanup(func() {
		if p.cmd != nil {
			p.stop()
		}
	})
	return p
}

// again runs this binary as something else, which ends with the test. It gives
// the first line that it prints.
func again(tb testing.TB, as string, args ...string) (cmd *exec.Cmd, log *output, line string, err error) {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd = exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), as)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if the test panics
	out, err1 := cmd.StdoutPipe()
	errs, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		tb.Fatal(err)
	}
	log = follow(errs)
	line, err = bufio.NewReader(out).ReadString('\n')
	return cmd, log, line, err
}

func (p *process) start() {
	p.tb.Helper()
	var line string
	var err error
	if p.cmd, p.log, line, err = again(p.tb, asMain+"=1", p.args...); err != nil {
		<-p.log.done
		p.tb.Fatalf("viewflipd did not start: %s", p.log)
	}
	if p.service, err = client.ParseServiceURL(strings.TrimSpace(line)); err != nil {
		p.tb.Fatal(err)
	}
}

// messageBus is a NATS server of its own.
type messageBus struct {
	tb  testing.TB
	at  string
	cmd *exec.Cmd
}

func startBus(tb testing.TB) *messageBus {
	tb.Helper()
	b := &messageBus{tb: tb, at: freePort(tb)}
	b.start()
	tb.Cleanup(func() { b.kill() })
	return b
}

func (b *messageBus) start() {
	b.tb.Helper()
	cmd, _, line, err := again(b.tb, asBus+"="+b.at)
	if err != nil {
		b.tb.Fatal("NATS did not start:", line, err)
	}
	b.cmd = cmd
}

func (b *messageBus) kill() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait() // killed
}

// stop ends it in order.
func (p *process) stop() {
	p.tb.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.log.done
	if err := p.cmd.Wait(); err != nil {
		p.tb.Errorf("viewflipd: %v\n%s", err, p.log)
	}
	p.cmd = nil
}

// kill ends it as a power failure would.
func (p *process) kill() {
	p.tb.Helper()
	_ = p.cmd.Process.Kill()
	<-p.log.done
	_ = p.cmd.Wait() // killed
	p.cmd = nil
}

// ready is what /readyz says.
func (p *process) ready() string {
	return strings.TrimSpace(get("https://" + p.service.Addrs[0] + "/readyz"))
}

// metric is one value of /metrics.
func (p *process) metric(name string) string {
	for line := range strings.Lines(get("http://" + p.admin + "/metrics")) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// get is a page, or why there is none.
func get(url string) string {
	web := &http.Client{Transport: insecure()}
	defer web.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	r, err := web.Do(q)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatal("waited in vain: " + what)
		}
	}
}

// freePort is an address of loopback where nobody listens.
func freePort(tb testing.TB) string {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// insecure is for what knows no pin.
func insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}
