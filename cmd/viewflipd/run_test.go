package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/wire"
)

func with(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for _, c := range []struct {
		args           []string
		env            map[string]string
		code           int
		stdout, stderr string // a part of each; "" means that it is empty
	}{
		{nil, nil, 2, "", "viewflipd serve"},
		{[]string{"help"}, nil, 0, "viewflipd serve", ""},
		{[]string{"--help"}, nil, 0, "viewflipd serve", ""},
		{[]string{"serve", "-h"}, nil, 0, "viewflipd serve", ""},
		{[]string{"version"}, nil, 0, "viewflipd dev\n", ""},
		{[]string{"sreve"}, nil, 2, "", `there is no command "sreve"`},
		{[]string{"serve", "now"}, nil, 2, "", `serve takes no argument "now"`},
		{[]string{"serve", "--port", "1"}, nil, 2, "", "-port"},
		{[]string{"serve", "--log-level", "loud"}, nil, 2, "", `the log level "loud" is none of`},
		{[]string{"serve"}, map[string]string{"VIEWFLIP_LOG": "loud"}, 2, "", `the log level "loud" is none of`},
		{[]string{"serve", "--advertise", "example.org"}, nil, 2, "", `"example.org" is not a list`},
		{[]string{"serve"}, map[string]string{"VIEWFLIP_ADVERTISE": "a:1,b:2,c:3,d:4,e:5"}, 2, "", "is not a list of one to four"},
		{[]string{"serve", "--data", file}, nil, 1, "", "viewflipd: "},
		{[]string{"serve"}, map[string]string{"VIEWFLIP_DATA": file}, 1, "", "viewflipd: "},
		{[]string{"serve", "--data", t.TempDir(), "--listen", busy.Addr().String()}, nil, 1, "", "it cannot listen on " + busy.Addr().String()},
		{[]string{"serve", "--data", t.TempDir()}, map[string]string{"VIEWFLIP_LISTEN": "nonsense"}, 1, "", "it cannot listen on nonsense"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), env{&stdout, &stderr, with(c.env)}, c.args)
		for what, s := range map[string][2]string{"stdout": {stdout.String(), c.stdout}, "stderr": {stderr.String(), c.stderr}} {
			if !strings.Contains(s[0], s[1]) || s[1] == "" && s[0] != "" {
				t.Errorf("%q %v: %s is %q, want %q", c.args, c.env, what, s[0], s[1])
			}
		}
		if code != c.code {
			t.Errorf("%q %v: exit code %d, want %d", c.args, c.env, code, c.code)
		}
	}
}

// serving runs "viewflipd serve" and returns the line that it prints.
func serving(t *testing.T, values map[string]string, args ...string) (line string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, env{w, io.Discard, with(values)}, append([]string{"serve"}, args...))
		_ = w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("%q: %v, exit code %d", line, err, <-code)
	}
	return strings.TrimSpace(line), func() int { cancel(); return <-code }
}

// The printed line is all that a client needs; over a restart it stays.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	first, stop := serving(t, map[string]string{"VIEWFLIP_LISTEN": "127.0.0.1:0", "VIEWFLIP_DATA": dir})
	s, err := client.ParseServiceURL(first)
	if err != nil {
		t.Fatalf("%q: %v", first, err)
	}
	reach(t, s)
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// A flag comes before the environment.
	second, stop := serving(t, map[string]string{"VIEWFLIP_LISTEN": "nonsense", "VIEWFLIP_DATA": "/nonexistent"}, "--data", dir, "--listen", s.Addrs[0])
	if second != first {
		t.Errorf("%q became %q", first, second)
	}
	reach(t, s)
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	third, stop := serving(t, map[string]string{"STATE_DIRECTORY": dir}, "--listen", ":0", "--advertise", "example.org:443,[2001:db8::1]:7465")
	defer stop()
	s3, err := client.ParseServiceURL(third)
	if err != nil || s3.Pin != s.Pin || strings.Join(s3.Addrs, " ") != "example.org:443 [2001:db8::1]:7465" {
		t.Errorf("%q: %v", third, err)
	}
}

func reach(t *testing.T, s wire.Service) {
	t.Helper()
	c, id, ctx, end := connect(t, s)
	defer end()
	if err := c.Send(ctx, id.Public().Address(), []byte("x")); err != nil {
		t.Error(err)
	}
}

// connect runs a client of a new device until end.
func connect(t *testing.T, s wire.Service) (c *client.Client, id *wire.Identity, ctx context.Context, end func()) {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = client.New(client.Config{Service: s, Identity: id}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return c, id, ctx, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
