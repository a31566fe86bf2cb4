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
	r := &race{s: s, ended: make(chan attempt), errs: make([]error, len(s.Addrs))}
	if won, ok := r.run(ctx, cancel); ok {
		return won, nil
	}
	return socket{}, verdict(ctx, r.errs, established)
}

// race tries the addresses of a service one beside the other.
type race struct {
	s     wire.Service
	ended chan attempt
	// next is the address that is tried next, pending how many are being tried.
	next, pending int
	// errs are the errors of the addresses, in their order.
	errs []error
	// won is the first connection that was made, empty until then.
	won socket
}

// attempt is how the trial of one address ended.
type attempt struct {
	addr int
	ws   socket
	err  error
}

// run returns the first connection, when all other trials have ended. cancel ends
// those, and ctx with them.
func (r *race) run(ctx context.Context, cancel context.CancelFunc) (socket, bool) {
	r.start(ctx)
	timer := time.NewTicker(headStart)
	defer timer.Stop()
	for r.pending > 0 {
		select {
		case a := <-r.ended:
			r.pending--
			r.errs[a.addr] = a.err
			switch {
			case a.err == nil && !r.decided():
				r.won = a.ws
				cancel() // the others end, and are waited for
			case a.err == nil:
				_ = a.ws.CloseNow()
			default:
				r.start(ctx)
			}
		case <-timer.C:
			if ctx.Err() == nil {
				r.start(ctx)
			}
		}
	}
	return r.won, r.decided()
}

func (r *race) decided() bool { return r.won.Conn != nil }

// start tries one more address, if there is one and none has won.
func (r *race) start(ctx context.Context) {
	if r.decided() || r.next == len(r.s.Addrs) {
		return
	}
	i := r.next
	r.next++
	r.pending++
	go func() {
		ws, err := dialOne(ctx, r.s.Addrs[i], r.s.Pin)
		r.ended <- attempt{i, ws, err}
	}()
}

// verdict is what a race that nobody won means: [ErrPin] when nothing else is left
// to hope for, or else the error of the preferred address, by which a person can
// tell what to do.
func verdict(ctx context.Context, errs []error, established bool) error {
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
		return ErrPin
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, ErrPin) {
			return err
		}
	}
	return ctx.Err()
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
