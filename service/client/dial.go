package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"viewflip.app/wire"
)

const (
	dialTime = 15 * time.Second
	// headStart is how long an address is tried before the next one is, too.
	headStart = 200 * time.Millisecond
	// errWindowsRefused is WSAECONNREFUSED, which is not syscall.ECONNREFUSED there.
	errWindowsRefused = syscall.Errno(10061)
)

// dial connects to the first address that answers with the right key. All are
// tried, each a little later than the one before.
//
// ErrPin is final only when nothing else is left to hope for: an address of
// somebody's home network may be a stranger's in mine. So every address must
// have shown a wrong key or, unless it ever worked, refused the connection.
func dial(ctx context.Context, s wire.Service, established bool) (socket, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	type result struct {
		ws  socket
		i   int
		err error
	}
	results := make(chan result)
	next, pending := 0, 0
	start := func() {
		i := next
		next++
		pending++
		go func() {
			ws, err := dialOne(ctx, s.Addrs[i], s.Pin)
			results <- result{ws, i, err}
		}()
	}
	start()
	timer := time.NewTicker(headStart)
	defer timer.Stop()
	var won socket
	errs := make([]error, len(s.Addrs))
	for pending > 0 {
		select {
		case r := <-results:
			pending--
			errs[r.i] = r.err
			switch {
			case r.err == nil && won.Conn == nil:
				won = r.ws
				cancel() // the others end, and are waited for
			case r.err == nil:
				_ = r.ws.CloseNow()
			case won.Conn == nil && next < len(s.Addrs):
				start()
			}
		case <-timer.C:
			if won.Conn == nil && next < len(s.Addrs) && ctx.Err() == nil {
				start()
			}
		}
	}
	if won.Conn != nil {
		return won, nil
	}
	wrong, refused := 0, 0
	for _, err := range errs {
		switch {
		case errors.Is(err, ErrPin):
			wrong++
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, errWindowsRefused):
			refused++
		}
	}
	if wrong > 0 && (wrong == len(errs) || !established && wrong+refused == len(errs)) {
		return socket{}, ErrPin
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, ErrPin) {
			return socket{}, err // of the preferred address
		}
	}
	return socket{}, ctx.Err()
}

// socket is a WebSocket connection.
type socket struct {
	*websocket.Conn
	// ahead is how far the service's clock is ahead of ours.
	ahead time.Duration
}

// sameClock is how far clocks may be apart without a doubt: a Date has whole
// seconds, and an answer takes its time.
const sameClock = 10 * time.Second

// ahead tells from an answer how far the clock of its sender is ahead of ours.
func ahead(date string) time.Duration {
	t, err := http.ParseTime(date)
	if d := time.Until(t); err == nil && d.Abs() > sameClock {
		return d.Round(time.Second)
	}
	return 0
}

// dialOne makes one TLS and WebSocket connection.
func dialOne(ctx context.Context, addr string, pin [32]byte) (socket, error) {
	t := &http.Transport{
		TLSClientConfig: pinned(pin),
		TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
	}
	defer t.CloseIdleConnections()
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ws, answer, err := websocket.Dial(ctx, "wss://"+addr+"/ws", &websocket.DialOptions{
		HTTPClient:      &http.Client{Transport: t, CheckRedirect: noRedirect},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) && !errors.Is(err, ErrPin) {
			err = op // without the layers around it
		}
		return socket{}, fmt.Errorf("client: %w", err)
	}
	ws.SetReadLimit(wire.MaxFrame)
	return socket{ws, ahead(answer.Header.Get("Date"))}, nil
}
