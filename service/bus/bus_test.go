package bus_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/service/bus"
)

const (
	patience = 30 * time.Second
	idA      = "abcdefghijklmnopqrstuvwxyz"
	idB      = "abcdefghijklmnopqrstuvwx27"
)

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open opens a bus and runs it to the end of the test.
func open(t *testing.T, cfg bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Open(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

func to(t *testing.T, kind, id string) bus.Subject {
	t.Helper()
	s, err := bus.To(kind, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSubjects(t *testing.T) {
	for _, id := range []string{
		"", "*", ">", strings.Repeat("*", 26), idA[:25] + ".", idA[:25] + ">", idA + "a", strings.ToUpper(idA), idA[:25] + " ",
		idA[:25] + "\n", idA[:24] + "é", strings.Repeat("a", 51),
	} {
		if s, err := bus.To("device", id); !errors.Is(err, bus.ErrSubject) {
			t.Errorf("%q became %q", id, s)
		}
	}
	for _, kind := range []string{"", "*", ">", "a.b", "a b", "Device", strings.Repeat("a", 17)} {
		if s, err := bus.To(kind, idA); !errors.Is(err, bus.ErrSubject) {
			t.Errorf("%q became %q", kind, s)
		}
	}
	if s, err := bus.To("device", strings.Repeat("a2", 26)); err != nil || s.String() != "viewflip.device."+strings.Repeat("a2", 26) {
		t.Error(s, err)
	}
	b := open(t, bus.Config{})
	if err := b.Publish(bus.Subject{}, nil); !errors.Is(err, bus.ErrSubject) {
		t.Error(err)
	}
}

// exercise is what every bus does; a and b may be two nodes.
func exercise(t *testing.T, a, b *bus.Bus) {
	t.Helper()
	ctx := within(t)
	device := to(t, "device", idA)
	if _, err := a.Request(ctx, device, nil); !errors.Is(err, bus.ErrNoResponder) {
		t.Fatal("nobody is there, but", err)
	}
	sub, err := b.Subscribe(device, func(m bus.Message) {
		if err := m.Reply(append([]byte("got "), m.Data...)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Request(ctx, device, []byte("it")); err != nil || string(got) != "got it" {
		t.Fatal(string(got), err)
	}
	if _, err := a.Request(ctx, to(t, "device", idB), nil); !errors.Is(err, bus.ErrNoResponder) {
		t.Fatal("another device answered:", err)
	}
	sub.Close()
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Request(ctx, device, nil); !errors.Is(err, bus.ErrNoResponder) {
		t.Fatal("after Close", err)
	}

	// Everybody hears what is published, in order.
	all, err := bus.All("revoked")
	if err != nil {
		t.Fatal(err)
	}
	heard := map[*bus.Bus]chan string{a: make(chan string, 100), b: make(chan string, 100)}
	for n, c := range heard {
		s, err := n.Subscribe(all, func(m bus.Message) { c <- string(m.Data) })
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := n.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range strings.Fields("one two three") {
		if err := a.Publish(all, []byte(w)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range heard {
		for _, want := range strings.Fields("one two three") {
			select {
			case got := <-c:
				if got != want {
					t.Fatal(got, "is not", want)
				}
			case <-ctx.Done():
				t.Fatal(want, "was not heard")
			}
		}
	}

	// Gather hears all of them, and nobody at once.
	presence := to(t, "presence", idA)
	if got, err := a.Gather(ctx, presence, nil); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	for _, n := range []*bus.Bus{a, b} {
		s, err := n.Subscribe(presence, func(m bus.Message) { _ = m.Reply([]byte("here")) })
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := n.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if got, err := a.Gather(short, presence, nil); err != nil || len(got) != 2 {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := a.Gather(context.Background(), presence, nil); err == nil {
		t.Error("gathered without a deadline")
	}
	if err := a.Publish(all, make([]byte, bus.MaxMessage+1)); !errors.Is(err, bus.ErrTooLarge) {
		t.Error(err)
	}
	if err := a.Publish(all, bytes.Repeat([]byte("x"), bus.MaxMessage)); err != nil {
		t.Error(err)
	}
}

func TestInProcess(t *testing.T) {
	b := open(t, bus.Config{})
	exercise(t, b, b)
}

// Two buses in process know nothing of each other.
func TestInProcessIsPrivate(t *testing.T) {
	a, b := open(t, bus.Config{}), open(t, bus.Config{})
	s, err := b.Subscribe(to(t, "device", idA), func(m bus.Message) { _ = m.Reply(nil) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := a.Request(within(t), to(t, "device", idA), nil); !errors.Is(err, bus.ErrNoResponder) {
		t.Error(err)
	}
}

// A subscriber that does not keep up loses messages of its own; nobody else
// waits, and memory is bounded.
func TestSlowConsumer(t *testing.T) {
	b := open(t, bus.Config{PendingMessages: 10})
	ctx := within(t)
	slow, fast := to(t, "device", idA), to(t, "device", idB)
	release := make(chan struct{})
	got := 0
	s, err := b.Subscribe(slow, func(bus.Message) { got++; <-release })
	if err != nil {
		t.Fatal(err)
	}
	q, err := b.Subscribe(fast, func(m bus.Message) { _ = m.Reply(nil) })
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for range 1000 {
		if err := b.Publish(slow, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Request(ctx, fast, nil); err != nil {
		t.Error("the others wait:", err)
	}
	for b.Dropped() == 0 {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("nothing was dropped")
		}
	}
	close(release)
	s.Close()
	if got > 20 {
		t.Errorf("%d messages waited", got)
	}
}

func TestEnds(t *testing.T) {
	var log bytes.Buffer
	b, err := bus.Open(within(t), bus.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s := log.String(); s != "" {
		t.Errorf("a bus that ends as it should says %q", s)
	}
	if err := b.Publish(to(t, "device", idA), nil); !errors.Is(err, bus.ErrClosed) {
		t.Error(err)
	}
	if _, err := b.Subscribe(to(t, "device", idA), func(bus.Message) {}); !errors.Is(err, bus.ErrClosed) {
		t.Error(err)
	}
}

func TestURLs(t *testing.T) {
	for _, s := range []string{
		"tls://bus.example:4222", "tls://a:1,tls://b:2", "nats://127.0.0.1:4222", "nats://user:pw@localhost:4222?creds=/x&ca=/y", "nats://[::1]:4222",
	} {
		if _, err := bus.ParseURL(s); err != nil {
			t.Error(s, err)
		}
	}
	for _, s := range []string{
		"", "bus:4222", "http://bus:4222", "nats://bus.example:4222", "nats://10.0.0.1:4222", "tls://a:1,nats://b:2", "tls://a:1?insecure=1", "tls://",
		"ws://localhost:1",
	} {
		if _, err := bus.ParseURL(s); err == nil {
			t.Error(s, "was taken")
		}
	}
}
