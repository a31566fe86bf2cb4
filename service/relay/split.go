package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// turnFirst is the largest first byte of what a TURN client sends: a STUN message
// begins with two zero bits (RFC 8489, section 5), and methods are small. HTTP
// begins with a letter.
const turnFirst = 3

// Split is one TCP port that two protocols share.
type Split struct {
	ln     net.Listener
	tls    *tls.Config
	wait   time.Duration
	web    *half
	turn   *half
	closed chan struct{}
	once   sync.Once
	wg     sync.WaitGroup
}

// NewSplit divides what comes over ln, which it owns from now on, after the TLS
// handshake: ALPN was negotiated, or the first byte is not TURN's: HTTP. Otherwise
// TURN. cfg offers the protocols of HTTP by ALPN, which TURN clients do not use.
// wait bounds the handshake and the first byte after it together. Serve must run.
func NewSplit(ln net.Listener, cfg *tls.Config, wait time.Duration) *Split {
	s := &Split{ln: ln, tls: cfg, wait: wait, closed: make(chan struct{})}
	s.web = &half{split: s, conns: make(chan net.Conn), ended: s.closed, end: s.Close}
	gone := make(chan struct{})
	var once sync.Once
	s.turn = &half{split: s, conns: make(chan net.Conn), ended: gone, end: func() error { once.Do(func() { close(gone) }); return nil }}
	return s
}

// Web is the part for HTTP. Its connections are *tls.Conn, or have a NetConn
// method as that has. To close it closes the port.
func (s *Split) Web() net.Listener { return s.web }

// TURN is the part for TURN. When it is closed, TURN is refused and HTTP goes on.
func (s *Split) TURN() net.Listener { return s.turn }

// Close closes the port; Serve returns then.
func (s *Split) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.ln.Close()
}

// Serve accepts until the port is closed, and waits for handshakes under way,
// which end at once then. It returns nil if it was closed by us.
func (s *Split) Serve() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer s.wg.Wait()
	defer cancel()
	defer s.once.Do(func() { close(s.closed) })
	for pause := time.Duration(0); ; {
		c, err := s.ln.Accept()
		if err == nil {
			pause = 0
			s.wg.Go(func() { s.lead(ctx, c) })
			continue
		}
		select {
		case <-s.closed:
			return nil
		default:
		}
		if t, ok := err.(interface{ Temporary() bool }); !ok || !t.Temporary() {
			return err
		}
		// Too many open files, above all: net/http waits in the same way.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-s.closed:
			return nil
		}
	}
}

// lead takes a connection to where it belongs.
func (s *Split) lead(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(s.wait))
	t := tls.Server(c, s.tls)
	if t.HandshakeContext(ctx) != nil {
		_ = c.Close()
		return
	}
	if t.ConnectionState().NegotiatedProtocol != "" {
		_ = c.SetDeadline(time.Time{})
		s.web.give(t)
		return
	}
	r := bufio.NewReaderSize(t, 64)
	first, err := r.Peek(1)
	if err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetDeadline(time.Time{})
	p := &peeked{Conn: t, r: r, under: c}
	if first[0] <= turnFirst {
		s.turn.give(p)
	} else {
		s.web.give(p)
	}
}

// half is one of the two listeners.
type half struct {
	split *Split
	conns chan net.Conn
	ended chan struct{}
	end   func() error
}

func (h *half) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.ended:
		_ = c.Close()
	case <-h.split.closed:
		_ = c.Close()
	}
}

// Accept implements [net.Listener].
func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ended:
	case <-h.split.closed:
	}
	return nil, net.ErrClosed
}

// Close implements [net.Listener].
func (h *half) Close() error { return h.end() }

// Addr implements [net.Listener].
func (h *half) Addr() net.Addr { return h.split.ln.Addr() }

// peeked is a TLS connection of which the first bytes were looked at.
type peeked struct {
	net.Conn
	r     *bufio.Reader
	under net.Conn
}

// Read implements [net.Conn].
func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// NetConn is the connection below TLS, as [tls.Conn.NetConn].
func (p *peeked) NetConn() net.Conn { return p.under }
